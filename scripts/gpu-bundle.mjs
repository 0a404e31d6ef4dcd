/**
 * Packs what a machine with a card needs to prove and measure `@curv/backend-cuda`, where there is neither npm nor a network:
 * `node scripts/gpu-bundle.mjs [FOLDER] [--node] [--tar]`. One file of JavaScript with the packages and the parts of `scripts/gpu`, koffi with
 * its native library, the scripts of the peers, `gpu-run.sh`; with `--node` also this Node.js (compressed: all of it is some 45 MB then), with
 * `--tar` all of it in FOLDER.tar.
 */

import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, cpSync, mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { sourceCondition } from "./workspace.mjs";

const root = join(import.meta.dirname, "..");
const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { node: { type: "boolean", default: false }, tar: { type: "boolean", default: false } },
});
const folder = resolve(positionals[0] ?? "gpu-bundle");

rmSync(folder, { recursive: true, force: true });
mkdirSync(join(folder, "node_modules/@koromix"), { recursive: true });
writeFileSync(join(folder, "package.json"), '{ "private": true, "type": "module" }\n');

await build({
  entryPoints: [join(import.meta.dirname, "gpu/main.mjs")],
  outfile: join(folder, "curv-gpu.mjs"),
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node20",
  minifySyntax: true,
  conditions: [sourceCondition, "node"],
  external: ["koffi"],
  plugins: [{ name: "curv", setup: resolvePackages }],
  logLevel: "error",
});

// The scripts belong to no package: what they import is found among the packages, and vitest is three functions.
/** @param {import("esbuild").PluginBuild} build */
function resolvePackages({ onResolve }) {
  onResolve({ filter: /^@curv\// }, ({ path }) => {
    const [, name, ...subpath] = path.split("/");
    const manifest = JSON.parse(readFileSync(join(root, "packages", name, "package.json"), "utf8"));
    const key = [".", ...subpath].join("/");
    return { path: join(root, "packages", name, manifest.exports[key][sourceCondition]) };
  });
  onResolve({ filter: /^vitest$/ }, () => ({ path: join(import.meta.dirname, "gpu/vitest-shim.mjs") }));
}

const koffi = realpathSync(join(root, "packages/backend-cuda/node_modules/koffi"));
const { platform, arch } = process;
const native = dirname(
  createRequire(join(koffi, "package.json")).resolve(`@koromix/koffi-${platform}-${arch}/package.json`),
);
cpSync(koffi, join(folder, "node_modules/koffi"), {
  recursive: true,
  dereference: true,
  // Without what it is compiled from.
  filter: (path) => !/\/(?:vendor|lib|doc|node_modules)$|\.(?:cc|hh|[ch]|asm|S|inc)$/.test(path.slice(koffi.length)),
});
cpSync(native, join(folder, `node_modules/@koromix/koffi-${platform}-${arch}`), { recursive: true, dereference: true });

copyFileSync(join(import.meta.dirname, "gpu/peers.py"), join(folder, "peers.py"));
copyFileSync(join(import.meta.dirname, "gpu-run.sh"), join(folder, "gpu-run.sh"));
chmodSync(join(folder, "gpu-run.sh"), 0o755);
if (values.node) writeFileSync(join(folder, "node.gz"), gzipSync(readFileSync(process.execPath)));
if (values.tar) {
  const { status } = spawnSync("tar", ["-cf", `${folder}.tar`, "-C", dirname(folder), basename(folder)], {
    stdio: "inherit",
  });
  if (status !== 0) process.exit(1);
}
console.log(values.tar ? `${folder}.tar` : folder);
