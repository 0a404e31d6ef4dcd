/** Lets Node run TypeScript: `node --import ./strip-types.mjs file.ts`. Types are removed; nothing is checked, nothing bundled. */

import { readFile } from "node:fs/promises";
import { register } from "node:module";
import { fileURLToPath } from "node:url";
import { isMainThread } from "node:worker_threads";
import { transform } from "esbuild";

// Node runs hooks in a thread of their own, where this file is loaded again.
if (isMainThread) register(import.meta.url);

/** An import of `./file.js` in TypeScript means `./file.ts`. */
export async function resolve(specifier, context, next) {
  const fromSource = context.parentURL?.endsWith(".ts") && specifier.startsWith(".") && specifier.endsWith(".js");
  return next(fromSource ? specifier.replace(/\.js$/, ".ts") : specifier, context);
}

export async function load(url, context, next) {
  if (!url.endsWith(".ts")) return next(url, context);
  const source = await readFile(fileURLToPath(url), "utf8");
  const { code } = await transform(source, { loader: "ts", format: "esm", target: "es2022", sourcemap: "inline" });
  return { format: "module", source: code, shortCircuit: true };
}
