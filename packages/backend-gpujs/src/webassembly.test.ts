/** What is written for WebAssembly only: products in tiles, and functions written out where they are called. */

import { concat, einsum, jit, tensor, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import * as special from "@curv/tensor";
import { beforeAll, describe, expect, test } from "vitest";
import { gpujs, type GpujsBackend } from "./index.js";

let backend: GpujsBackend;
/** The same without either. */
let plain: GpujsBackend;
beforeAll(async () => {
  [backend, plain] = [await gpujs({ mode: "webasm" }), await gpujs({ mode: "webasm" })];
  Object.assign(plain["options"], { vectors: false });
});

const draw = (seed: number, shape: number[]): Tensor => random.normal(random.key(seed), { shape });
const compiled = (f: (...x: Tensor[]) => Tensor): ((...x: Tensor[]) => Tensor) =>
  jit(f as never) as unknown as (...x: Tensor[]) => Tensor;

describe("products", () => {
  const cases: readonly (readonly [name: string, f: (...x: Tensor[]) => Tensor, ...x: Tensor[]])[] = [
    ["rows that are no multiple of four", (x, y) => x.matmul(y), draw(1, [37, 70]), draw(2, [70, 41])],
    ["whole tiles and blocks of terms", (x, y) => x.matmul(y), draw(1, [32, 128]), draw(2, [128, 32])],
    ["the first transposed", (x, y) => einsum("ki,kj->ij", x, y), draw(1, [70, 37]), draw(2, [70, 41])],
    ["the second transposed", (x, y) => einsum("ik,jk->ij", x, y), draw(1, [37, 70]), draw(2, [41, 70])],
    [
      "index maps before and after",
      (x, y) => x.transpose().matmul(y).transpose(),
      draw(1, [70, 37]),
      draw(2, [70, 41]),
    ],
    ["operands that are computed", (x, y) => x.add(1).matmul(y.mul(2)).tanh(), draw(1, [30, 70]), draw(2, [70, 41])],
    ["a batch", (x, y) => x.matmul(y), draw(1, [5, 17, 40]), draw(2, [5, 40, 39])],
    [
      "two axes of rows, two that are summed",
      (x, y) => einsum("abkl,klc->abc", x, y),
      draw(1, [6, 7, 8, 9]),
      draw(2, [8, 9, 30]),
    ],
  ];
  test.each(cases)("%s", (...[, f, ...x]) => {
    const g = compiled(f as (...x: Tensor[]) => Tensor);
    const operands = x as Tensor[];
    const run = (where: GpujsBackend): { y: Tensor; launches: number } => {
      const before = where.launches;
      return { y: g(...operands.map((v) => v.to(where))), launches: where.launches - before };
    };
    const [tiled, other, wanted] = [run(backend), run(plain), (f as (...x: Tensor[]) => Tensor)(...operands)];
    expect(tiled.launches).toBeGreaterThan(other.launches);
    expect(tiled.y.shape).toEqual(wanted.shape);
    const data = tiled.y.dataSync();
    wanted.dataSync().forEach((v, i) => expect(Math.abs(data[i] - v)).toBeLessThan(2e-5 * (1 + Math.abs(v))));
  });
});

describe("functions give the same bits", () => {
  const values = concat([
    draw(1, [61]).mul(3),
    draw(2, [61]).mul(40),
    tensor([0, -0, 1, -1, NaN, Infinity, -Infinity, 1e-38, 1e-42, 3e38, -3e38, 0.5, 1.5, 89, -104, 1e5, 2.5]),
  ]);
  const names = [
    "exp", "exp2", "expm1", "log", "log1p", "log2", "log10", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh",
    "asinh", "acosh", "atanh", "erf", "erfc", "erfinv", "lgamma", "digamma", "sigmoid", "softplus", "cbrt", "rsqrt", "round", "sign",
  ] as const; // prettier-ignore
  test.each(names)("%s", (name) => {
    const f = special[name] as unknown as (x: Tensor) => Tensor;
    const [got, wanted] = [backend, plain].map((where) => f(values.to(where)).dataSync());
    expect(got).toEqual(wanted);
  });

  test("of two operands", () => {
    const y = draw(3, [values.size]).mul(2);
    for (const f of [special.pow, special.maximum, special.minimum, special.rem, special.mod, special.atan2]) {
      const [got, wanted] = [backend, plain].map((where) => f(values.to(where), y.to(where)).dataSync());
      expect(got).toEqual(wanted);
    }
  });
});
