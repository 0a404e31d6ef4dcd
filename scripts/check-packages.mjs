/**
 * Fails when a package departs from the common shape, imports what its floor may not, or would run code when it is
 * imported. Says every departure with its file and the remedy.
 */

import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { cycles, importProblems } from "./rules/imports.mjs";
import { shapeProblems } from "./rules/shape.mjs";
import { sourceProblems } from "./rules/sources.mjs";
import { apps, packages } from "./workspace.mjs";
import { staleVersions } from "./write-versions.mjs";

/**
 * Everything that is wrong with the packages of a workspace.
 *
 * @param {string} root
 * @returns {string[]}
 */
export function problems(root) {
  const all = packages(root);
  return [
    ...all.flatMap((pkg) =>
      [...shapeProblems(pkg, root), ...importProblems(pkg), ...sourceProblems(pkg)].map(
        (text) => `packages/${pkg.name}: ${text}`,
      ),
    ),
    ...cycles(all),
    ...versionProblems(all),
    ...staleVersions(root).map(
      ({ file }) => `${file}: packageVersion is not that of package.json; run scripts/write-versions.mjs`,
    ),
    ...apps(root).flatMap(appProblems),
    ...lockfileProblems(root),
  ];
}

/** All packages are released together, under one version. */
function versionProblems(all) {
  const versions = new Set(all.map(({ manifest }) => manifest.version));
  return versions.size > 1 ? [`packages have different versions: ${[...versions].join(", ")}`] : [];
}

/** What the apps share; it is no app, so that it does not start. */
const sharedFrame = "app-frame";

function appProblems({ name, manifest }) {
  const found = [];
  if (manifest.private !== true) found.push(`apps/${name}: package.json must be private`);
  if (manifest.name !== name) found.push(`apps/${name}: package.json must be named ${name}`);
  if (name !== sharedFrame && !manifest.scripts?.start) found.push(`apps/${name}: package.json needs a start script`);
  return found;
}

/** Whoever installs uses the registry of their own configuration. */
function lockfileProblems(root) {
  const lines = readFileSync(join(root, "pnpm-lock.yaml"), "utf8").split("\n");
  const found = lines.findIndex((line) => /https?:\/\//.test(line));
  return found === -1 ? [] : [`pnpm-lock.yaml:${found + 1}: holds an address`];
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const root = dirname(dirname(fileURLToPath(import.meta.url)));
  const found = problems(root);
  for (const problem of found) console.error(problem);
  if (found.length > 0) {
    console.error(`${found.length} departures from the rules for packages.`);
    process.exit(1);
  }
  console.log(`${packages(root).length} packages keep the rules for packages.`);
}
