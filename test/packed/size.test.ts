/** Each package stays within its size-budgets.json, and what a program does not use leaves nothing in its bundle. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync } from "node:zlib";
import { build, type Plugin } from "esbuild";
import { beforeAll, describe, expect, test } from "vitest";
import { installed, packed } from "../support/install.js";

/** `import {…} from "…"`, minified and compressed, may take so many kilobytes. */
interface Budget {
  readonly import: string;
  readonly from: string;
  readonly kilobytes: number;
}

const tarballs = packed();
let folder: string;
beforeAll(async () => {
  folder = await installed(tarballs);
});

describe.each(tarballs)("$name", ({ name, directory }) => {
  const read = (file: string): string => readFileSync(join(directory, file), "utf8");
  const budgets = JSON.parse(read("size-budgets.json")) as Budget[];
  const { peerDependencies = {} } = JSON.parse(read("package.json")) as { peerDependencies?: object };
  // A peer is counted where it comes from.
  const external = Object.keys(peerDependencies).flatMap((peer) => [peer, `${peer}/*`]);

  test.each(budgets)("$import from $from takes at most $kilobytes kB", async (budget) => {
    const bundle = await bundled(`export ${budget.import} from "${budget.from}";`, external);
    const kilobytes = brotliCompressSync(bundle).length / 1000;
    console.log(`size: ${budget.import} from "${budget.from}": ${kilobytes.toFixed(1)} kB of ${budget.kilobytes} kB`);
    expect(kilobytes).toBeLessThanOrEqual(budget.kilobytes);
  });

  test("importing it runs nothing", async () => {
    const bundle = await bundled(`import "${name}";`, external, [ignoreSideEffectsField]);
    // Imports of peers may stay: what they run is theirs.
    const code = new TextDecoder().decode(bundle).replace(/import[^;]*"[^"]*";/g, "");
    expect(code.trim()).toBe("");
  });
});

async function bundled(contents: string, external: string[], plugins: Plugin[] = []): Promise<Uint8Array> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: folder },
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    external,
    plugins,
    define: constants,
    write: false,
    logLevel: "silent",
  });
  return outputFiles[0].contents;
}

/** `Math.PI`, `Number.MAX_VALUE` and the like: values, but to the bundler reads of a global that might do something. */
const constants: Record<string, string> = Object.fromEntries(
  Object.entries({ Math, Number }).flatMap(([object, members]) =>
    Object.entries(Object.getOwnPropertyDescriptors(members))
      .filter(([, { value }]) => Number.isFinite(value))
      .map(([name, { value }]) => [`${object}.${name}`, String(value)]),
  ),
);

/** Has the bundler judge every statement, as if package.json did not promise that there are no side effects. */
const ignoreSideEffectsField: Plugin = {
  name: "ignore sideEffects field",
  setup({ onResolve, resolve }) {
    onResolve({ filter: /.*/ }, async ({ path, pluginData, kind, resolveDir, importer }) => {
      if (pluginData === "resolving") return undefined;
      const result = await resolve(path, { kind, resolveDir, importer, pluginData: "resolving" });
      return { ...result, sideEffects: true };
    });
  },
};
