/**
 * `npm run bench -- [name…] [--quick] [--cpu-time]`: each comparison in a process of its own, so that none inherits what the engine learned from another;
 * then the table of marks, and a page of all results.
 *
 * The sources run as they are, their types stripped: what a profile shows are the files that one edits.
 */

import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const all = [
  "eager",
  "tiny-mlp",
  "mlp",
  "mlp-2-threads",
  "hvp-cost",
  "cnn",
  "matmul",
  "threads",
  "math",
  "softmax",
  "softmax-2-threads",
  "linalg",
  "linalg-large",
  "fft",
  "krylov",
  "compile",
  "ot",
  "bessel",
  "m-fac",
  "curvature",
  "backends",
  "scaling",
  "leak",
];
const words = process.argv.slice(2).filter((word) => word !== "--");
const [quick, cpuTime] = ["--quick", "--cpu-time"].map((flag) => words.includes(flag));
const names = words.filter((word) => !word.startsWith("--"));
const unknown = names.filter((name) => !all.includes(name));
if (unknown.length > 0) {
  console.error(`no benchmark named ${unknown.join(", ")}; there are ${all.join(", ")}.`);
  process.exit(2);
}

if (!existsSync(new URL("node_modules/esbuild", import.meta.url))) {
  console.error(
    "bench installs nothing by itself, and its packages are not there: `npm test` or `pnpm install` puts them there.",
  );
  process.exit(2);
}

/** NumPy's own OpenBLAS, where no other is asked for: products by the same library differ only in who calls it. */
function blasOfNumpy(python) {
  const script = "import glob, numpy, os; print(*glob.glob(os.path.dirname(numpy.__file__) + '.libs/*openblas*')[:1])";
  try {
    return execFileSync(python, ["-c", script], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  } catch {
    return "";
  }
}

const { CURV_PEERS_PYTHON: python, CURV_BLAS: blas = python ? blasOfNumpy(python) : "" } = process.env;
const flags = ["--conditions=@curv/source", "--expose-gc", "--import=./strip-types.mjs"];
const start = (file, words, more = {}) =>
  spawnSync(process.execPath, [...flags, file, ...words], {
    cwd: here,
    stdio: "inherit",
    env: { ...process.env, ...(blas && { CURV_BLAS: blas }), ...more },
  }).status === 0;

// A run of everything starts from nothing; a run of some replaces theirs, and the page says which is from when.
if (names.length === 0) rmSync(new URL("dist/results", import.meta.url), { recursive: true, force: true });
const id = `--run=${new Date().toISOString()}`;
let failed = false;
for (const name of names.length > 0 ? names : all) {
  // Several threads are timed by the wall whatever else is: see clock.ts.
  const env = {
    ...(name.endsWith("-2-threads") && { CURV_BENCH_THREADS: "2" }),
    ...(cpuTime && !name.includes("threads") && { CURV_BENCH_CLOCK: "cpu" }),
  };
  if (!start("main.ts", [name, id, ...(quick ? ["--quick"] : [])], env)) failed = true;
}
if (!start("report.ts", [])) failed = true;
process.exit(failed ? 1 : 0);
