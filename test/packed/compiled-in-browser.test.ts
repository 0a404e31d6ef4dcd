/**
 * Compiled functions give the same bits in Node and in Chromium, with one thread and with two, on pages with cross-origin isolation, which
 * have shared memory, and on pages without.
 */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { whyNoBrowser } from "../support/chromium.js";
import { command } from "../support/command.js";
import { consumerOf, packed, withPeers } from "../support/install.js";
import { buildPage, printedBy } from "../support/page.js";

/** Prints a line for each function: a hash of the bits, which eager evaluation, jit and threads must agree on. */
const program = `
import { conv, grad, jit, scan, setThreads, zeros } from "@curv/tensor";
import { key, normal } from "@curv/tensor/random";
import { cholesky, eigh } from "@curv/tensor/linalg";

const functions = {
  chain: (x) => x.tanh().mul(2).exp().add(x).sin(),
  rows: (x) => x.exp().sum(1),
  columns: (x) => x.square().sum(0),
  product: (x) => x.transpose().matmul(x),
  gradient: grad((x) => x.matmul(x.transpose()).tanh().sum()),
  convolution: (x) => conv(x.reshape([15, 3, 100, 40]), normal(key(9), { shape: [8, 3, 3, 3], dtype: x.dtype })),
  loop: (x) => scan((c) => [c.matmul(x.transpose().matmul(x)).tanh(), c.sum()], x.slice([0, 30]), zeros([3]))[0],
  factors: (x) => cholesky(x.transpose().matmul(x)),
  spectrum: (x) => eigh(x.slice([0, 60], [0, 60])).vectors,
};

const hash = (x) => {
  const bytes = new Uint8Array(x.dataSync().slice().buffer);
  let h = 2166136261;
  for (const byte of bytes) h = Math.imul(h ^ byte, 16777619) >>> 0;
  return h;
};
const turn = () => new Promise((resolve) => setTimeout(resolve, 30));

console.log("isolated: " + (globalThis.crossOriginIsolated ?? "not a page"));
for (const dtype of ["float32", "float64"]) {
  const x = normal(key(7), { shape: [600, 300], dtype }).mul(0.1);
  for (const [name, f] of Object.entries(functions)) {
    const hashes = [hash(f(x))];
    const compiled = jit(f);
    for (const threads of [1, 2]) {
      setThreads(threads);
      for (let call = 0; call < 3; call++) {
        hashes.push(hash(compiled(x)));
        await turn();
      }
    }
    console.log(dtype + " " + name + ": " + (new Set(hashes).size === 1 ? hashes[0] : "differs: " + hashes.join()));
  }
}
`;

/** What a page must be served with to have shared memory. */
const isolating = { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" };

describe("compiled functions", () => {
  let folder = "";
  let inNode: string[] = [];
  beforeAll(async () => {
    folder = consumerOf(withPeers(packed(), "@curv/tensor"));
    writeFileSync(join(folder, "program.mjs"), program);
    const { stdout } = await command("node", ["program.mjs"], folder);
    inNode = stdout.trim().split("\n");
  }, 120_000);

  test("give one result, compiled or not, with 1 and with 2 threads", () => {
    expect(inNode).toHaveLength(19);
    expect(inNode.filter((line) => line.includes("differs"))).toEqual([]);
  });

  test.for([
    { isolation: "with", headers: isolating, isolated: true },
    { isolation: "without", headers: {}, isolated: false },
  ])(
    "give the same bits in Chromium $isolation cross-origin isolation",
    { timeout: 120_000 },
    async (page, { skip }) => {
      const reason = whyNoBrowser();
      skip(reason !== undefined, reason);
      await buildPage(folder, program);
      const printed = await printedBy(folder, page.headers);
      expect(printed).toContain(`isolated: ${page.isolated}`);
      expect(printed.filter((line) => line.startsWith("float"))).toEqual(inNode.slice(1));
      // Without shared memory there are no threads, and that is said once.
      const notices = printed.filter((line) => line.includes("threads need shared memory"));
      expect(notices).toHaveLength(page.isolated ? 0 : 1);
    },
  );
});
