/** WebGPU in Node without a card: the npm package `webgpu` (Dawn) on the software driver that comes with Chromium. */

import { fork, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const folders = ["/usr/lib/chromium", "/usr/lib64/chromium-browser", "/usr/lib/chromium-browser", "/opt/google/chrome"];

/** What the loader of Vulkan needs to know, before a process starts. */
function environment(): Record<string, string> | string {
  if (process.env.VK_ICD_FILENAMES !== undefined) return {};
  const folder = folders.find(
    (path) => existsSync(join(path, "vk_swiftshader_icd.json")) && existsSync(join(path, "libvulkan.so.1")),
  );
  if (folder === undefined)
    return `no VK_ICD_FILENAMES, and no Chromium with SwiftShader for Vulkan in ${folders.join(", ")}`;
  const path = [folder, process.env.LD_LIBRARY_PATH].filter((x) => x !== undefined).join(delimiter);
  return { VK_ICD_FILENAMES: join(folder, "vk_swiftshader_icd.json"), LD_LIBRARY_PATH: path };
}

/** Why there is no WebGPU in Node here; undefined when there may be. */
export function whyNoDriver(): string | undefined {
  try {
    createRequire(import.meta.url).resolve("webgpu");
  } catch {
    return "the npm package webgpu is not installed";
  }
  const found = environment();
  return typeof found === "string" ? found : undefined;
}

/** A process that does what it is asked to. */
export interface Program {
  ask(method: string, ...args: unknown[]): Promise<unknown>;
  close(): void;
}

interface Answer {
  readonly value?: unknown;
  readonly error?: string;
}

/** Starts `program.ts` with the driver in its environment. */
export async function startProgram(): Promise<Program> {
  const here = fileURLToPath(new URL(".", import.meta.url));
  // Beside node_modules, so that gpu.js and webgpu are found.
  const folder = mkdtempSync(join(here, "../../node_modules/.dawn-"));
  const outfile = join(folder, "program.mjs");
  await build({
    entryPoints: [join(here, "program.ts")],
    bundle: true,
    outfile,
    format: "esm",
    target: "es2022",
    platform: "node",
    conditions: ["@curv/source"],
    external: ["gpu.js", "webgpu"],
    alias: { vitest: join(here, "../../../../test/support/vitest-in-page.ts") },
    logLevel: "silent",
  });
  const child: ChildProcess = fork(outfile, {
    env: { ...process.env, ...(environment() as Record<string, string>) },
    execArgv: [],
    silent: true,
    serialization: "advanced",
  });
  let printed = "";
  child.stderr?.on("data", (text) => (printed += String(text)));
  let waiting: ((answer: Answer) => void) | null = null;
  child.on("message", (answer: Answer) => waiting?.(answer));
  child.on("exit", (code) => waiting?.({ error: `the process ended with ${code}: ${printed}` }));
  return {
    ask: (method, ...args) =>
      new Promise((resolve, reject) => {
        waiting = ({ value, error }) => (error === undefined ? resolve(value) : reject(new Error(error)));
        child.send([method, args]);
      }),
    close: () => {
      child.kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
