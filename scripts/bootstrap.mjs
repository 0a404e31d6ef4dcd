/**
 * What `npm start` and `npm test` run: needs only Node and npm, installs everything else, then runs a pnpm script.
 *
 *   node scripts/bootstrap.mjs <script> [arguments for the script]
 *
 * Imports nothing but Node itself, because nothing else is there yet on a fresh clone.
 */

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const pnpm = manifest.packageManager; // "pnpm@<exact version>"
const stamp = join(root, "node_modules", ".curv-installed");

checkNode();
const [script, ...rest] = process.argv.slice(2);
if (script === undefined || manifest.scripts[script] === undefined) {
  fail(
    `bootstrap: "${script ?? ""}" is no script of package.json; usage: node scripts/bootstrap.mjs <script> [arguments]`,
  );
}
install();
process.exit(run(["--silent", "run", script, ...rest]));

/** Refuses a Node that is too old, before something else fails on it with a message that nobody understands. */
function checkNode() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  fail(`Curv needs Node.js 20.19 or newer; this is ${process.versions.node}. Get a current one at nodejs.org.`);
}

/** Installs when the lockfile or this Node changed since the last installation that succeeded. */
function install() {
  const lockfile = readFileSync(join(root, "pnpm-lock.yaml"));
  const wanted = createHash("sha256")
    .update(lockfile)
    .update(`${process.version} ${process.platform} ${process.arch} ${pnpm}`)
    .digest("hex");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return;

  console.log("Installing dependencies (once, and again when the lockfile changes) …");
  const status = run(["install", "--frozen-lockfile", "--reporter=append-only", "--loglevel=warn"]);
  if (status !== 0) fail("Installing the dependencies failed; the reason is above. Is the npm registry reachable?");
  writeFileSync(stamp, wanted);
}

/** Runs the pinned pnpm through npx, so that none needs to be on the machine. */
function run(args) {
  const { status, error } = spawnSync("npx", ["--yes", pnpm, ...args], {
    cwd: root,
    stdio: "inherit",
    shell: process.platform === "win32", // npx is a .cmd file there
    env: {
      ...process.env,
      TURBO_TELEMETRY_DISABLED: "1",
      npm_config_update_notifier: "false",
      // npx inside pnpm warns of pnpm's settings, which npm does not know.
      npm_config_loglevel: "error",
    },
  });
  if (error) fail(`npx could not be started: ${error.message}`);
  return status ?? 1;
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
