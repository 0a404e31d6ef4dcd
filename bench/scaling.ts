/** Cost against size: the same task from small to large, beside NumPy, to see where it grows faster than its theory says. */

import { cumsum, exp, jit, logSoftmax, matmul, sort, sum, tensor, type Tensor, valueAndGrad } from "@curv/tensor";
import { fft } from "@curv/tensor/fft";
import { cholesky, eigh, lu, qr, svd } from "@curv/tensor/linalg";
import { cnnCase } from "./cnn.js";
import type { Benchmark, Case, Work } from "./comparison.js";
import { numbers, type Precision, valuesOf } from "./inputs.js";
import { local } from "./local.js";
import { expFlops } from "./math.js";
import { large, mlpCase } from "./mlp.js";
import { pythonPeer } from "./peers/python.js";
import { softmaxWork } from "./softmax.js";

/** One kind of task. */
interface Series {
  readonly name: string;
  readonly sizes: readonly number[];
  readonly precision: Precision;
  /** Shapes of its inputs. */
  readonly shapes: (size: number) => readonly (readonly number[])[];
  readonly flops: (size: number) => number;
  /** Elements read and written. */
  readonly elements: (size: number) => number;
  readonly ours: (...inputs: Tensor[]) => Tensor | readonly Tensor[];
  /** Which of python.py's functions of NumPy does the same; without one Curv is alone. */
  readonly task?: string;
  /** Adds so many times the identity to the first input times its transpose: a matrix that has a Cholesky factor. */
  readonly shift?: number;
}

const powers = (from: number, to: number, step = 1): number[] =>
  Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, i) => 2 ** (from + i * step));
const vector = (n: number): number[][] => [[n]];
const square = (n: number): number[][] => [[n, n]];
const softmaxRows = 64;

/** The factor that is compared; all are computed. */
const factor: Readonly<Record<string, (a: Tensor) => Tensor>> = {
  cholesky,
  lu: (a) => lu(a).u,
  qr: (a) => qr(a).r.abs(),
  eigh: (a) => eigh(a).values,
  svd: (a) => svd(a).s,
};

const all: readonly Series[] = [
  ...(["float32", "float64"] as const).map((precision): Series => ({
    name: `matrix product ${precision}`,
    sizes: powers(4, 10),
    precision,
    shapes: (n) => [
      [n, n],
      [n, n],
    ],
    flops: (n) => 2 * n ** 3,
    elements: (n) => 3 * n * n,
    ours: (a, b) => matmul(a, b),
    task: "matmul",
  })),
  {
    name: "exp, jit",
    sizes: powers(10, 22, 2),
    precision: "float64",
    shapes: vector,
    flops: (n) => expFlops.float64 * n,
    elements: (n) => 2 * n,
    ours: jit((x: Tensor) => exp(x)),
    task: "exp",
  },
  {
    name: "sum, jit",
    sizes: powers(10, 22, 2),
    precision: "float64",
    shapes: vector,
    flops: (n) => n,
    elements: (n) => n,
    ours: jit((x: Tensor) => sum(x)),
    task: "sum",
  },
  {
    name: "cumulative sum",
    sizes: powers(10, 20, 2),
    precision: "float64",
    shapes: vector,
    flops: (n) => n,
    elements: (n) => 2 * n,
    ours: (x) => cumsum(x, 0),
    task: "cumsum",
  },
  {
    name: "sort",
    sizes: powers(8, 18, 2),
    precision: "float64",
    shapes: vector,
    flops: (n) => n * Math.log2(n),
    elements: (n) => 2 * n,
    ours: (x) => sort(x),
    task: "sort",
  },
  {
    name: "Fourier transform, powers of two",
    sizes: powers(6, 18, 2),
    precision: "float64",
    shapes: (n) => [[n], [n]],
    flops: (n) => 5 * n * Math.log2(n),
    elements: (n) => 4 * n,
    ours: (re, im) => Object.values(fft({ re, im })),
    task: "fft",
  },
  {
    name: "Fourier transform, primes",
    sizes: [61, 251, 1021, 4093, 16381, 65521],
    precision: "float64",
    shapes: (n) => [[n], [n]],
    flops: (n) => 5 * n * Math.log2(n),
    elements: (n) => 4 * n,
    ours: (re, im) => Object.values(fft({ re, im })),
    task: "fft",
  },
  {
    name: "softmax, cross-entropy and gradient, 64 rows, jit",
    sizes: powers(6, 16, 2),
    precision: "float32",
    shapes: (n) => [
      [softmaxRows, n],
      [softmaxRows, n],
    ],
    flops: (n) => softmaxWork(softmaxRows, n).flops,
    elements: (n) => softmaxWork(softmaxRows, n).bytes / 4,
    ours: jit((x: Tensor, y: Tensor) => {
      const { value, grad } = valueAndGrad((z: Tensor) => logSoftmax(z).mul(y).sum())(x);
      return [value, grad as Tensor];
    }),
  },
  ...Object.entries({ cholesky: 1 / 3, lu: 2 / 3, qr: 4 / 3, eigh: 9, svd: 21 }).map(([name, cost]): Series => ({
    name,
    sizes: powers(4, name === "svd" || name === "eigh" ? 8 : 10),
    precision: "float64",
    shapes: square,
    flops: (n) => cost * n ** 3,
    elements: (n) => 2 * n * n,
    ours: factor[name],
    task: name,
    ...((name === "cholesky" || name === "eigh") && { shift: 1 }),
  })),
];

export function scaling(only?: { readonly largest: number }): Benchmark {
  const within = (sizes: readonly number[]): number[] => sizes.filter((n) => n <= (only?.largest ?? Infinity));
  return {
    title: "Cost against size",
    note: "float64 where nothing else is said, one call from array to array. Neural networks against their batch.",
    rounds: { rounds: 9, turn: 0.002, warmUp: 0.05, patience: 2 },
    cases: [
      ...all.flatMap((series) => within(series.sizes).map((n) => caseOf(series, n))),
      ...(["grad", "hvp"] as const).flatMap((task) =>
        within([16, 64, 256, 1024]).map((batch): Case => {
          const { ours, work } = mlpCase(task, "float32", { ...large, batch });
          const series = `${task} of MLP 784-256-256-10, jit`;
          return { name: `${series}, ${batch}`, series, ours: [ours[1]], peers: [], tolerance: 0, work: work! };
        }),
      ),
      ...within([8, 32, 128]).map((batch): Case => {
        const series = "training step of CNN 16-32, jit";
        return { ...cnnCase(batch), name: `${series}, ${batch}`, series, peers: [] };
      }),
    ],
  };
}

function caseOf(series: Series, n: number): Case {
  const { precision, task, shift } = series;
  const shapes = series.shapes(n);
  const size = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
  const data = shapes.map((shape, i) => numbers(size(shape), 10_000_000 * i, precision));
  let inputs = data.map((d, i) => tensor(d).reshape([...shapes[i]]));
  if (shift !== undefined) {
    const [b] = inputs;
    const identity = tensor(Float64Array.from({ length: n * n }, (_, k) => (k % (n + 1) === 0 ? shift : 0)));
    inputs = [
      b
        .matmul(b.T)
        .div(n)
        .add(identity.reshape([n, n])),
    ];
  }
  const work: Work = {
    flops: series.flops(n),
    bytes: series.elements(n) * (precision === "float32" ? 4 : 8),
    size: n,
    precision,
  };
  const list = (r: Tensor | readonly Tensor[]): readonly Tensor[] => (Array.isArray(r) ? r : [r]) as readonly Tensor[];
  return {
    name: `${series.name}, ${n}`,
    series: series.name,
    work,
    ours: [
      local(
        "curv",
        () => series.ours(...inputs),
        (r) => list(r).flatMap((t) => Array.from(t.dataSync())),
      ),
    ],
    peers:
      task === undefined
        ? []
        : [
            pythonPeer("NumPy", {
              library: "numpy",
              task,
              precision,
              inputs: inputs.map((x) => valuesOf(x.dataSync() as Float64Array, x.shape)),
            }),
          ],
    tolerance: precision === "float32" ? 1e-4 : 1e-9,
  };
}
