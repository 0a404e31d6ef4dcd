/**
 * `pnpm bench [name…]`: each comparison in a process of its own, so that none inherits what the engine learned from another.
 *
 * The sources run as they are, their types stripped: what a profile shows are the files that one edits.
 */

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const all = [
  "eager",
  "tiny-mlp",
  "mlp",
  "matmul",
  "math",
  "softmax",
  "linalg",
  "linalg-large",
  "fft",
  "krylov",
  "leak",
];
const names = process.argv.slice(2).filter((name) => name !== "--");
const unknown = names.filter((name) => !all.includes(name));
if (unknown.length > 0) {
  console.error(`no benchmark named ${unknown.join(", ")}; there are ${all.join(", ")}.`);
  process.exit(2);
}

let failed = false;
for (const name of names.length > 0 ? names : all) {
  const flags = ["--conditions=@curv/source", "--expose-gc", "--import=./strip-types.mjs"];
  const { status } = spawnSync(process.execPath, [...flags, "main.ts", name], { cwd: here, stdio: "inherit" });
  if (status !== 0) failed = true;
}
process.exit(failed ? 1 : 0);
