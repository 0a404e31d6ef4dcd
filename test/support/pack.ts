/** Builds every package and packs it as it would be published; the tests of test/packed read the tarballs. */

import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
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
    /** A string says why packing failed; then the tests of test/packed fail, and all others still run. */
    tarballs: Tarball[] | string;
  }
}

export default async function setup(project: TestProject): Promise<void> {
  try {
    project.provide("tarballs", await packAll(project.vitest.config.root));
  } catch (error) {
    project.provide("tarballs", String(error));
  }
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
