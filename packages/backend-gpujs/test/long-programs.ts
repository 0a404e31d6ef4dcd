/** Programs on arrays that are longer than one launch can index, whatever that is: every way in which they are cut into blocks of rows. */

import { arange, concat, flip, fromTypedArray, grad, hvp, jit, use, type Backend, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { limits } from "../src/limits.js";

type Program = (vector: Tensor, matrix: Tensor, small: Tensor) => Tensor;

const programs: Readonly<Record<string, Program>> = {
  elementwise: (x) => x.mul(2).add(1).tanh(),
  broadcasting: (_, m) => m.mul(m.slice([0, 1])).sub(m.slice(null, [2, 3])),
  words: ({ size }) => arange(size, { dtype: "int32" }).mul(70001).add(3),
  "random numbers": ({ size }) => random.uniform(random.key(3), { shape: [size] }),
  sum: (x) => x.square().sum(),
  "sums of rows": (_, m) => m.sum(1),
  "products of columns": (_, m) => m.sign().prod(0),
  extremes: (x, m) => m.max(0).sub(x.min()),
  "a product with a matrix": (_, m, w) => m.matmul(w),
  "a product along the rows": (_, m) => m.transpose().matmul(m),
  transposition: (_, m) => m.transpose(),
  "another shape": (_, m) => m.transpose().reshape([-1, 4]).add(1),
  slices: (x, m) => concat([x.slice([5, x.size, 3]), m.slice([1, m.shape[0]], [6, 8]).reshape([-1])]),
  reversal: (_, m) => flip(m, [0, 1]),
  gradient: (x) => grad((y: Tensor) => y.tanh().square().sum())(x),
  "Hessian-vector product": (_, m, w) => hvp((v: Tensor) => m.matmul(v).tanh().square().sum(), w, w),
};

/**
 * Runs programs, all or some, on a backend and on the CPU in float64 with `rows` rows of eight numbers.
 *
 * @returns Those that differ: by which share of the largest number, or the error. What each took is printed.
 */
export async function differences(backend: Backend, rows: number, only: readonly string[] | null): Promise<string[]> {
  // No two blocks are alike: their length is no multiple of the prime.
  const numbers = (size: number): Tensor =>
    fromTypedArray(
      Float32Array.from({ length: size }, (_, i) => ((37 * i) % 8191) / 8191 - 0.5),
      [size],
    );
  const matrix = numbers(8 * rows).reshape([rows, 8]);
  const inputs = [numbers(8 * rows + 5), matrix, numbers(32).add(0.5).reshape([8, 4])];
  // Sums of millions of terms differ in float32 by how they are added.
  const exact = inputs.map((x) => x.cast("float64"));
  const there = inputs.map((x) => x.to(backend));
  const found: string[] = [];
  for (const name of only ?? Object.keys(programs)) {
    const wanted = await run("cpu", programs[name], exact);
    const start = performance.now();
    const error = await run(backend, programs[name], there).then(
      (got) => largestDifference(got, wanted),
      (cause: unknown) => String(cause),
    );
    console.info(`${name}: ${error}, ${((performance.now() - start) / 1000).toFixed(1)} s`);
    if (typeof error === "string" || !(error <= 1e-5)) found.push(`${name}: ${error}`);
  }
  for (const x of there) x.dispose();
  return found;
}

async function run(backend: Backend | "cpu", program: Program, inputs: readonly Tensor[]): Promise<ArrayLike<number>> {
  use(backend);
  try {
    const y = (jit(program as never) as unknown as (...x: readonly Tensor[]) => Tensor)(...inputs);
    const data = await y.data();
    y.dispose();
    return data;
  } finally {
    use("cpu");
  }
}

function largestDifference(got: ArrayLike<number>, wanted: ArrayLike<number>): number {
  if (got.length !== wanted.length) return NaN;
  let [difference, scale] = [0, 0];
  for (let i = 0; i < wanted.length; i++) {
    difference = Math.max(difference, Math.abs(got[i] - wanted[i]));
    scale = Math.max(scale, Math.abs(wanted[i]));
  }
  return difference / scale;
}

/** While f runs, arrays of more than 64 numbers are long, and blocks are of 32 elements. */
export async function withShortBlocks<T>(f: () => Promise<T>): Promise<T> {
  const usual = { ...limits };
  Object.assign(limits, { longestArray: 64, blockLength: 32 });
  try {
    return await f();
  } finally {
    Object.assign(limits, usual);
  }
}
