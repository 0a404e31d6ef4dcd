/** Headless Chromium with WebGL2 and WebGPU in software, and a page of one bundled script. */

import { existsSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { chromium, type Browser, type Page } from "playwright-core";

const names = ["chromium", "chromium-browser", "google-chrome"];

function executable(): string | undefined {
  const named = process.env.CURV_CHROMIUM;
  const folders = (process.env.PATH ?? "").split(delimiter);
  const candidates = named ? [named] : names.flatMap((name) => folders.map((folder) => join(folder, name)));
  return candidates.find((path) => existsSync(path));
}

/** Why there is no browser to test in; undefined when there is one. */
export function whyNoBrowser(): string | undefined {
  return executable() === undefined
    ? `no ${names.join(" or ")} on the PATH; install one, or name one in CURV_CHROMIUM`
    : undefined;
}

/** An open page with a script in it. */
export interface OpenPage {
  readonly page: Page;
  /** What was written to its console. */
  readonly printed: readonly string[];
  close(): Promise<void>;
}

/** Bundles a script of this folder, serves it with `files` beside it, and opens it. A page on 127.0.0.1 is a secure origin, which WebGPU wants. */
export async function openPage(script: string, files: Readonly<Record<string, Uint8Array>> = {}): Promise<OpenPage> {
  const here = fileURLToPath(new URL(".", import.meta.url));
  const { outputFiles } = await build({
    entryPoints: [join(here, script)],
    bundle: true,
    write: false,
    format: "esm",
    target: "es2022",
    platform: "browser",
    conditions: ["@curv/source"],
    alias: { vitest: join(here, "vitest-in-page.ts") },
    logLevel: "silent",
  });
  const code = outputFiles[0].text;
  const server: Server = createServer((request, response) => {
    const file = files[request.url?.slice(1) ?? ""];
    if ((file as Uint8Array | undefined) !== undefined) {
      response.writeHead(200, { "content-type": "application/octet-stream" });
      response.end(file);
      return;
    }
    const isScript = request.url === "/page.js";
    response.writeHead(200, {
      "content-type": isScript ? "text/javascript; charset=utf-8" : "text/html; charset=utf-8",
    });
    response.end(
      isScript ? code : `<!doctype html><link rel="icon" href="data:,"><script type="module" src="/page.js"></script>`,
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const browser: Browser = await chromium.launch({
    executablePath: executable()!,
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-background-networking",
      "--use-angle=swiftshader",
      "--enable-unsafe-swiftshader",
      "--enable-unsafe-webgpu",
    ],
  });
  const page = await browser.newPage();
  const printed: string[] = [];
  page.on("console", (message) => printed.push(message.text()));
  page.on("pageerror", (error) => printed.push(`error: ${error.message}`));
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  try {
    await page.waitForFunction("globalThis.page !== undefined", null, { timeout: 10_000 });
  } catch (error) {
    await browser.close();
    server.close();
    throw new Error(`the page did not start: ${printed.join("; ")}`, { cause: error });
  }
  return {
    page,
    printed,
    close: async () => {
      await browser.close();
      server.close();
    },
  };
}
