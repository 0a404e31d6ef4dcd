/** Installs packed packages in an empty folder, as a user would. */

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { inject } from "vitest";
import { command } from "./command.js";
import type { Tarball } from "./pack.js";
import { emptyFolder } from "./paths.js";

/** The packed packages; throws where they could not be built or packed. */
export function packed(): Tarball[] {
  const tarballs = inject("tarballs");
  if (typeof tarballs === "string") throw new Error(tarballs);
  return tarballs;
}

/** A folder outside the workspace with nothing but these packages installed; no install script was run. */
export async function installed(tarballs: readonly Tarball[]): Promise<string> {
  const folder = emptyFolder();
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "consumer", private: true, type: "module" }));
  const flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  await command("npm", ["install", ...flags, ...tarballs.map(({ path }) => path)], folder);
  return folder;
}

/** A package and those of its peers that it needs, to any depth. */
export function withPeers(tarballs: readonly Tarball[], name: string): Tarball[] {
  const wanted = new Set<Tarball>();
  const add = (one: string): void => {
    const tarball = tarballs.find((each) => each.name === one);
    if (tarball === undefined || wanted.has(tarball)) return;
    wanted.add(tarball);
    const manifest = JSON.parse(readFileSync(join(tarball.directory, "package.json"), "utf8")) as {
      peerDependencies?: Record<string, string>;
    };
    Object.keys(manifest.peerDependencies ?? {}).forEach(add);
  };
  add(name);
  return [...wanted];
}

/**
 * The first package that the code imports and the folder has not: an optional peer, whose examples run in the workspace only
 * (`examples.test.ts`). Null if all are there.
 */
export function missingPackage(code: string, folder: string): string | null {
  const imported = [...code.matchAll(/from "((?:@[^/"]+\/)?[^/"]+)[^"]*"/g)].map(([, name]) => name);
  const isThere = (name: string): boolean =>
    name.startsWith("node:") || existsSync(join(folder, "node_modules", ...name.split("/")));
  return imported.find((name) => !isThere(name)) ?? null;
}
