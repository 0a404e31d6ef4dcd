/** What the scripts need to know of the workspace: which packages there are, and what each of them exports. */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

/** The export condition under which packages of this repository read each other's sources. */
export const sourceCondition = "@curv/source";

/**
 * @typedef {object} Package
 * @property {string} name - Without the scope: "tensor".
 * @property {string} directory - Absolute.
 * @property {any} manifest - Its package.json.
 */

/**
 * The published packages, in alphabetical order.
 *
 * @param {string} root
 * @returns {Package[]}
 */
export function packages(root) {
  return workspaceFolder(root, "packages");
}

/**
 * The demos.
 *
 * @param {string} root
 * @returns {Package[]}
 */
export function apps(root) {
  return workspaceFolder(root, "apps");
}

function workspaceFolder(root, folder) {
  const parent = resolve(root, folder);
  if (!existsSync(parent)) return [];
  return readdirSync(parent)
    .sort()
    .map((name) => ({ name, directory: join(parent, name) }))
    .filter(({ directory }) => existsSync(join(directory, "package.json")))
    .map((each) => ({ ...each, manifest: JSON.parse(readFileSync(join(each.directory, "package.json"), "utf8")) }));
}

/**
 * @typedef {object} Entry
 * @property {string} subpath - "." or "./random".
 * @property {string} source - "./src/random/index.ts".
 * @property {boolean} node - Whether it is behind the `node` condition.
 */

/**
 * The entry points of a package with their sources; one with a variant for Node gives two.
 *
 * @param {any} manifest
 * @returns {Entry[]}
 */
export function entries(manifest) {
  /** @type {Entry[]} */
  const found = [];
  for (const [subpath, target] of Object.entries(manifest.exports ?? {})) {
    if (typeof target !== "object") continue;
    if (target.node) found.push({ subpath, source: target.node[sourceCondition], node: true });
    if (target[sourceCondition]) found.push({ subpath, source: target[sourceCondition], node: false });
  }
  return found;
}

/**
 * Every file of a directory that the filter takes, as absolute paths; installed and built files are left out.
 *
 * @param {string} directory
 * @param {(path: string) => boolean} wanted
 * @returns {string[]}
 */
export function filesBelow(directory, wanted) {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) {
      return ["node_modules", "dist", "fixtures"].includes(entry.name) || entry.name.startsWith(".")
        ? []
        : filesBelow(path, wanted);
    }
    return wanted(path) ? [path] : [];
  });
}
