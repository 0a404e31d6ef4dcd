/** Each package stays within its size-budgets.json. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync } from "node:zlib";
import { build } from "esbuild";
import { beforeAll, describe, expect, test } from "vitest";
import { consumerOfAll, packed } from "../support/install.js";

/** `import {…} from "…"`, minified and compressed, may take so many kilobytes. */
interface Budget {
  readonly import: string;
  readonly from: string;
  readonly kilobytes: number;
  /** Native packages, which no bundler can take in. */
  readonly native?: readonly string[];
}

const tarballs = packed();
let folder: string;
beforeAll(() => {
  folder = consumerOfAll();
});

describe.each(tarballs)("$name", ({ directory }) => {
  const read = (file: string): string => readFileSync(join(directory, file), "utf8");
  const budgets = JSON.parse(read("size-budgets.json")) as Budget[];
  const { peerDependencies = {} } = JSON.parse(read("package.json")) as { peerDependencies?: object };
  // A peer is counted where it comes from.
  const external = Object.keys(peerDependencies).flatMap((peer) => [peer, `${peer}/*`]);

  test.each(budgets)("$import from $from takes at most $kilobytes kB", async (budget) => {
    const bundle = await bundled(`export ${budget.import} from "${budget.from}";`, [
      ...external,
      ...(budget.native ?? []),
    ]);
    const kilobytes = brotliCompressSync(bundle).length / 1000;
    console.log(`size: ${budget.import} from "${budget.from}": ${kilobytes.toFixed(1)} kB of ${budget.kilobytes} kB`);
    expect(kilobytes).toBeLessThanOrEqual(budget.kilobytes);
  });
});

async function bundled(contents: string, external: string[]): Promise<Uint8Array> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: folder },
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    external,
    write: false,
    logLevel: "silent",
  });
  return outputFiles[0].contents;
}
