/**
 * Importing a published package runs nothing: it works where Node's globals, workers and code generation are missing,
 * adds no global, and leaves nothing that would keep a program alive.
 */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { entries } from "../../scripts/workspace.mjs";
import { command } from "../support/command.js";
import { consumerOfAll, packed } from "../support/install.js";

test("importing every package runs nothing", async () => {
  const tarballs = packed();
  const folder = consumerOfAll();
  const paths = tarballs.flatMap(({ name, directory }) => {
    const manifest: unknown = JSON.parse(readFileSync(join(directory, "package.json"), "utf8"));
    // "./testing" needs a test runner.
    const subpaths = entries(manifest).filter(({ subpath, node }) => subpath !== "./testing" && !node);
    return subpaths.map(({ subpath }) => name + subpath.slice(1));
  });
  writeFileSync(join(folder, "import.js"), importer(paths));
  const { stdout } = await command(process.execPath, ["--disallow-code-generation-from-strings", "import.js"], folder);
  expect(JSON.parse(stdout)).toEqual({ added: [], changed: [], alive: [] });
});

/** A program that imports the packages and prints what that did. */
function importer(paths: readonly string[]): string {
  return `
const { exit, getActiveResourcesInfo } = process;
const print = console.log;
for (const name of ["process", "Buffer", "Worker", "SharedArrayBuffer", "WebAssembly"]) delete globalThis[name];
// Descriptors, not values: reading some of Node's globals loads them.
const described = ({ value, get }) => get ?? value;
const globals = () =>
  new Map(Reflect.ownKeys(globalThis).map((key) => [String(key), described(Reflect.getOwnPropertyDescriptor(globalThis, key))]));
const before = globals();
const alive = getActiveResourcesInfo();
for (const path of ${JSON.stringify(paths)}) await import(path);
const after = globals();
print(JSON.stringify({
  added: [...after.keys()].filter((key) => !before.has(key)),
  changed: [...before.keys()].filter((key) => !Object.is(after.get(key), before.get(key))),
  alive: getActiveResourcesInfo().filter((resource) => !alive.includes(resource)),
}));
exit(0);
`;
}
