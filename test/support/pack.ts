/** Builds every package, packs it as it would be published and installs all of them once; the tests of test/packed use both. */

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { packages } from "../../scripts/workspace.mjs";
import { command } from "./command.js";

/** A packed package. */
export interface Tarball {
  /** "@curv/tensor". */
  readonly name: string;
  /** Its folder in the workspace. */
  readonly directory: string;
  /** The .tgz file. */
  readonly path: string;
}

declare module "vitest" {
  export interface ProvidedContext {
    /**
     * The packages, and a folder outside the workspace in which npm has installed all of them. A string says why there are none; then the
     * tests of test/packed fail, and all others still run.
     */
    published: { tarballs: Tarball[]; consumer: string } | string;
  }
}

export default async function setup(project: TestProject): Promise<() => void> {
  const consumer = mkdtempSync(join(tmpdir(), "curv-consumer-"));
  try {
    const tarballs = await packAll(project.vitest.config.root);
    await install(tarballs, consumer);
    project.provide("published", { tarballs, consumer });
  } catch (error) {
    project.provide("published", String(error));
  }
  return () => rmSync(consumer, { recursive: true, force: true });
}

/** As a user would, but for install scripts: none is run. */
async function install(tarballs: readonly Tarball[], folder: string): Promise<void> {
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "consumer", private: true, type: "module" }));
  const flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  await command("npm", ["install", ...flags, ...tarballs.map(({ path }) => path)], folder);
}

async function packAll(root: string): Promise<Tarball[]> {
  const folder = join(root, "node_modules", ".cache", "curv", "tarballs");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });

  const { packageManager } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { packageManager: string };
  const pnpm = (...args: string[]): Promise<unknown> => command("npx", ["--yes", packageManager, ...args], root);
  await pnpm("run", "build"); // replayed from turbo's cache when nothing changed
  await pnpm("--recursive", "--filter", "./packages/*", "pack", "--pack-destination", folder);

  const files = readdirSync(folder);
  return packages(root).map(({ directory, manifest }): Tarball => {
    const file = `${manifest.name.slice(1).replace("/", "-")}-${manifest.version}.tgz`;
    if (!files.includes(file)) throw new Error(`${manifest.name} was not packed: there is no ${file}.`);
    return { name: manifest.name, directory, path: join(folder, file) };
  });
}
