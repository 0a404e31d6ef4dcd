/** Packed packages in a folder outside the workspace, as a user would install them. */

import { cpSync, existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { inject } from "vitest";
import type { Tarball } from "./pack.js";
import { emptyFolder } from "./paths.js";

/** The packed packages; throws where they could not be built, packed or installed. */
export function packed(): Tarball[] {
  return published().tarballs;
}

function published(): { readonly tarballs: Tarball[]; readonly consumer: string } {
  const result = inject("published");
  if (typeof result === "string") throw new Error(result);
  return result;
}

/** An empty folder from which all packages can be imported. */
export function consumerOfAll(): string {
  return mkdtempSync(join(published().consumer, "test-"));
}

/**
 * A folder in which only these packages and what they depend on can be imported: a copy of that part of the installation. Whoever imports
 * what is not declared finds nothing here.
 */
export function consumerOf(tarballs: readonly Tarball[]): string {
  const { consumer } = published();
  const folder = emptyFolder();
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "consumer", private: true, type: "module" }));
  const copied = new Set<string>();
  const copy = (name: string, importer: string): void => {
    const path = nearest(consumer, name, importer);
    if (path === undefined || copied.has(path)) return;
    copied.add(path);
    const own = join(consumer, path);
    cpSync(own, join(folder, path), { recursive: true, filter: (source) => source !== join(own, "node_modules") });
    for (const dependency of dependenciesOf(own)) copy(dependency, path);
  };
  for (const { name } of tarballs) copy(name, "");
  return folder;
}

/** Where Node finds a package that another imports, "node_modules/a/node_modules/b", or undefined. */
function nearest(root: string, name: string, importer: string): string | undefined {
  const path = `${importer === "" ? "" : `${importer}/`}node_modules/${name}`;
  if (existsSync(join(root, path))) return path;
  if (importer === "") return undefined;
  return nearest(root, name, importer.slice(0, Math.max(0, importer.lastIndexOf("/node_modules/"))));
}

/** What npm installs with a package: its dependencies, and its peers but for the optional ones. */
function dependenciesOf(directory: string): string[] {
  const manifest = JSON.parse(readFileSync(join(directory, "package.json"), "utf8")) as {
    dependencies?: object;
    optionalDependencies?: object;
    peerDependencies?: object;
    peerDependenciesMeta?: Record<string, { optional?: boolean }>;
  };
  const peers = Object.keys(manifest.peerDependencies ?? {});
  return [
    ...Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies }),
    ...peers.filter((name) => manifest.peerDependenciesMeta?.[name]?.optional !== true),
  ];
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
 * The first package that the code imports and cannot be found from the folder: an optional peer, whose examples run in the workspace only
 * (`examples.test.ts`). Null if all are there.
 */
export function missingPackage(code: string, folder: string): string | null {
  const imported = [...code.matchAll(/from "((?:@[^/"]+\/)?[^/"]+)[^"]*"/g)].map(([, name]) => name);
  const isThere = (name: string): boolean =>
    name.startsWith("node:") || [folder, dirname(folder)].some((root) => existsSync(join(root, "node_modules", name)));
  return imported.find((name) => !isThere(name)) ?? null;
}
