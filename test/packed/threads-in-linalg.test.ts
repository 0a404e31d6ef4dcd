/** Batches of matrices in the package as it is published, where workers can load its files: the same bits with any number of threads. */

import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { command } from "../support/command.js";
import { consumerOf, packed } from "../support/install.js";

const program = `
import { eye, setThreads } from "@curv/tensor";
import { cholesky, eigh, eigvals, expm, lu, qr, solve, svd } from "@curv/tensor/linalg";
import { key, normal } from "@curv/tensor/random";
import { batchScript } from "./node_modules/@curv/tensor/dist/cpu/batch-script.js";

const { program } = await import(batchScript());
console.log("workers load: " + Object.keys(program(new WebAssembly.Memory({ initial: 1 }))));

const functions = {
  cholesky: (x) => [cholesky(x.matmul(x.transpose([0, 2, 1])).add(eye(x.shape[1], x.shape[1], { dtype: x.dtype })))],
  lu: (x) => Object.values(lu(x)),
  solve: (x) => [solve(x, x.transpose([0, 2, 1]))],
  qr: (x) => Object.values(qr(x)),
  eigh: (x) => Object.values(eigh(x.add(x.transpose([0, 2, 1])))),
  svd: (x) => Object.values(svd(x)),
  eigvals: (x) => Object.values(eigvals(x)).filter((y) => y?.dataSync !== undefined),
  expm: (x) => [expm(x.div(10))],
};
const hash = (xs) => {
  let h = 2166136261;
  for (const x of xs) for (const byte of new Uint8Array(x.dataSync().slice().buffer)) h = Math.imul(h ^ byte, 16777619) >>> 0;
  return h;
};
for (const [name, f] of Object.entries(functions)) {
  const hashes = new Set();
  for (const [shape, dtype] of [[[120, 8, 8], "float64"], [[120, 8, 8], "float32"], [[12, 40, 40], "float64"]]) {
    const x = normal(key(3), { shape, dtype });
    const seen = new Set();
    for (const threads of [1, 2, 3]) {
      setThreads(threads);
      for (let call = 0; call < 3; call++) {
        seen.add(hash(f(x)));
        await new Promise((resolve) => setTimeout(resolve, 30));
      }
    }
    hashes.add(seen.size);
  }
  console.log(name + ": " + [...hashes]);
}
setThreads(1);
`;

test("the same bits with 1, 2 and 3 threads", async () => {
  const tensor = packed().filter(({ name }) => name === "@curv/tensor");
  const folder = consumerOf(tensor);
  expect(existsSync(join(folder, "node_modules/@curv/tensor/dist/cpu/batch-worker.js"))).toBe(true);
  writeFileSync(join(folder, "program.js"), program);
  const { stdout, stderr } = await command(process.execPath, ["program.js"], folder);
  expect(stderr).toBe("");
  expect(stdout.trim().split("\n")).toEqual([
    "workers load: kernel0",
    ...["cholesky", "lu", "solve", "qr", "eigh", "svd", "eigvals", "expm"].map((name) => `${name}: 1`),
  ]);
});
