/**
 * Makes a package of the common shape:
 *
 *   pnpm new-package <name> --description "One sentence."
 */

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import * as prettier from "prettier";
import { floorOf } from "./floors.mjs";
import { json, newPackageFiles, scope } from "./package-shape.mjs";
import { packages } from "./workspace.mjs";

/**
 * Writes the files of a new package and makes it known to the documentation and the root README.
 *
 * @param {string} root - Of the workspace.
 * @param {string} name - Without the scope.
 * @param {string} description - One sentence.
 */
export async function newPackage(root, name, description) {
  if (!/^[a-z][a-z0-9-]*$/.test(name))
    throw new Error(`new-package: "${name}" is no package name; use a-z, 0-9 and -.`);
  if (floorOf(name) === undefined) {
    throw new Error(
      `new-package: ${name} stands on no floor; say in scripts/floors.mjs which one, then run this again.`,
    );
  }
  if (!/^[A-Z].*\.$/.test(description))
    throw new Error("new-package: --description must be one sentence, ending in a full stop.");
  const directory = join(root, "packages", name);
  if (existsSync(directory)) throw new Error(`new-package: packages/${name} exists.`);

  const version = packages(root)[0]?.manifest.version ?? "0.1.0";
  for (const [file, text] of Object.entries(newPackageFiles(name, description, version))) {
    await write(join(directory, file), text);
  }
  await write(join(root, ".changeset", `${name}.md`), `---\n"${scope}${name}": minor\n---\n\n${description}\n`);
  await addToDocs(root, name);
  await addToReadme(root, name, description);
}

async function addToDocs(root, name) {
  const path = join(root, "docs", "package.json");
  const manifest = JSON.parse(readFileSync(path, "utf8"));
  const all = { ...manifest.devDependencies, [`${scope}${name}`]: "workspace:*" };
  manifest.devDependencies = Object.fromEntries(Object.entries(all).sort(([a], [b]) => (a < b ? -1 : 1)));
  await write(path, json(manifest));
}

/** The packages table is the one table of the root README whose rows link to packages/. */
async function addToReadme(root, name, description) {
  const path = join(root, "README.md");
  const lines = readFileSync(path, "utf8").split("\n");
  const last = lines.findLastIndex((line) => line.includes("](packages/"));
  lines.splice(last + 1, 0, `| [\`${scope}${name}\`](packages/${name}) | ${description} |`);
  await write(path, lines.join("\n"));
}

async function write(path, text) {
  mkdirSync(dirname(path), { recursive: true });
  const options = await prettier.resolveConfig(path);
  writeFileSync(path, await prettier.format(text, { ...options, filepath: path }));
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { description: { type: "string" } } });
  const [name] = positionals;
  if (name === undefined || values.description === undefined) {
    console.error('Usage: pnpm new-package <name> --description "One sentence."');
    process.exit(1);
  }
  const root = dirname(dirname(fileURLToPath(import.meta.url)));
  try {
    await newPackage(root, name, values.description);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  }
  console.log(`packages/${name} is made. Write its README example first, then src/index.ts.`);
  // Links the package into the workspace and records it in the lockfile.
  const { status } = spawnSync("pnpm", ["install", "--no-frozen-lockfile"], { cwd: root, stdio: "inherit" });
  process.exit(status ?? 1);
}
