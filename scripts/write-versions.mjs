/** After `changeset version`: writes each package's new version where its source says `packageVersion = "…"`. */

import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { filesBelow, packages } from "./workspace.mjs";

const statement = /(\bpackageVersion\b[^=;\n]*= ")([^"]*)(")/;

/**
 * Source files that state another version than their package.json, with the text that they should have.
 *
 * @param {string} root
 * @returns {{ file: string, text: string }[]}
 */
export function staleVersions(root) {
  return packages(root).flatMap(({ directory, manifest }) =>
    filesBelow(join(directory, "src"), (path) => path.endsWith(".ts"))
      .map((path) => ({ path, before: readFileSync(path, "utf8") }))
      .map(({ path, before }) => ({
        file: relative(root, path),
        before,
        text: before.replace(statement, `$1${manifest.version}$3`),
      }))
      .filter(({ before, text }) => before !== text),
  );
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const root = dirname(dirname(fileURLToPath(import.meta.url)));
  for (const { file, text } of staleVersions(root)) writeFileSync(join(root, file), text);
}
