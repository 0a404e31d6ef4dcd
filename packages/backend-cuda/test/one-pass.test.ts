/** Softmax and log-sum-exp read their rows once, and come to what the CPU makes of the same program. */

import {
  hvp,
  jit,
  logSoftmax,
  logSumExp,
  makeGraph,
  softmax,
  stopGradient,
  tensor,
  zeros,
  type Tensor,
} from "@curv/tensor";
import { expect, test } from "vitest";
import { onFakeCard } from "./fake/on-card.js";

const wave = (shape: number[], seed: number): Tensor => {
  const n = shape.reduce((a, b) => a * b, 1);
  const data = Float64Array.from({ length: n }, (_, i) => 6 * Math.sin(seed * 100 + i * i * 0.7));
  return tensor(data, { dtype: "float64" }).reshape(shape);
};

function expectNear(got: Tensor, expected: Tensor, bound: number): void {
  expect(got.shape).toEqual(expected.shape);
  const [a, b] = [got.dataSync(), expected.dataSync()];
  const near = (x: number, y: number): boolean =>
    Object.is(x, y) || Math.abs(x - y) <= bound * Math.max(1, Math.abs(y));
  const wrong = a.findIndex((x, i) => !near(x, b[i]));
  expect(wrong, `element ${wrong} is ${a[wrong]}, wanted ${b[wrong]}`).toBe(-1);
}

onFakeCard(({ card, backend }) => {
  const steps = (f: (...args: Tensor[]) => unknown, ...args: Tensor[]): string[] =>
    backend()
      .explain(makeGraph(f as (...xs: Tensor[]) => Tensor[], ...args))
      .map((line) => line.replace(/ \[.*/, ""));

  test("one reduction, and kernels for what is made of it", () => {
    const x = zeros([30, 40]);
    const reduction = "curv_reduce maxSumExp";
    const guarded = "curv_reduce maxSumExpGuarded";
    expect(steps((a) => softmax(a), x)).toEqual([reduction, expect.stringMatching(/^curv_map .*div$/)]);
    expect(steps((a) => logSumExp(a, -1), x)).toEqual([guarded, expect.stringMatching(/^curv_map .*add$/)]);
    // The logarithm is taken once a row, not once an element.
    expect(steps((a) => logSoftmax(a, 0), x)).toEqual([reduction, "curv_map log", expect.stringMatching(/^curv_map .*sub$/)]); // prettier-ignore
    // Chunks of a long row, and what they come to.
    expect(steps((a) => logSumExp(a), zeros([3000]))).toEqual([guarded, "curv_fold maxSumExpGuarded", expect.stringMatching(/^curv_map/)]); // prettier-ignore
    // A step of Sinkhorn's iteration: the cost is read once, where it lies.
    const potential = (cost: Tensor, g: Tensor): Tensor => logSumExp(g.sub(cost).div(0.05), -1).mul(-0.05);
    expect(steps(potential as never, x, zeros([40]))).toEqual([guarded, expect.stringMatching(/^curv_map .*mul$/)]);
    expect(backend().explain(makeGraph(potential, x, zeros([40])))[0]).toMatch("[30,40] over 1");
  });

  test("two reductions stay two where they do not belong together", () => {
    const x = zeros([30, 40]);
    const two = (f: (a: Tensor) => Tensor): void => {
      const lines = steps(f as never, x);
      expect(lines.filter((line) => /maxSumExp/.test(line))).toEqual([]);
      expect(lines.filter((line) => /^curv_reduce/.test(line))).toHaveLength(2);
    };
    const top = (a: Tensor, axis: number): Tensor => stopGradient(a.max(axis, { keepDims: true }));
    two((a) => a.sub(top(a, 0)).exp().sum(1));
    two((a) =>
      a
        .sub(top(a.mul(2), 1))
        .exp()
        .sum(1),
    );
    two((a) => top(a, 1).sub(a).exp().sum(1));
    two((a) => a.sub(top(a, 1)).square().sum(1));
  });

  const programs = {
    softmax: (x: Tensor, axis: number) => softmax(x, axis),
    logSoftmax: (x: Tensor, axis: number) => logSoftmax(x, axis),
    logSumExp: (x: Tensor, axis: number) => logSumExp(x, axis),
  };
  const cases = Object.entries(programs).flatMap(([name, f]) =>
    (["float32", "float64"] as const).map((dtype) => ({ name, f, dtype })),
  );

  test.each(cases)("$name is the CPU's in $dtype: by threads, warps, blocks and chunks", ({ f, dtype }) => {
    const bound = dtype === "float32" ? 4e-6 : 1e-14;
    for (const [shape, axis] of [
      [[5, 40], 1],
      [[3, 2100], 1],
      [[70, 33], 0],
      [[4, 3, 9], 1],
      [[1, 6], 1],
    ] as const) {
      // prettier-ignore
      const x = wave([...shape], 1).cast(dtype);
      expectNear(jit((a: Tensor) => f(a, axis))(x.to(backend())), f(x, axis), bound);
    }
    // Rows in which m is not finite, or some of which are ruled out.
    const rows = [[-Infinity, -Infinity, -Infinity], [-Infinity, 3, -Infinity], [Infinity, 1, 2], [Infinity, Infinity, -Infinity], [NaN, 1, 2], [1, 2, NaN], [700, 710, 690], [-1e4, 1e4, 0]]; // prettier-ignore
    const x = tensor(rows, { dtype });
    expectNear(jit((a: Tensor) => f(a, 1))(x.to(backend())), f(x, 1), bound);
    const long = x.broadcastTo([40, 8, 3]).transpose([1, 0, 2]).reshape([8, 120]);
    expectNear(jit((a: Tensor) => f(a, 1))(long.to(backend())), f(long, 1), bound);
  });

  test("bits repeat, whatever the order of warps; derivatives are the CPU's", () => {
    const x = wave([4, 2100], 2);
    const f = jit((a: Tensor) => [softmax(a), logSumExp(a, 1), logSumExp(a, 0)]);
    const seen = [0, 5, 9].map((seed) => {
      card.setWarpSeed(seed);
      return f(x.to(backend()))
        .map((y) => Buffer.from(y.dataSync().buffer).toString("base64"))
        .join();
    });
    expect(new Set(seen).size).toBe(1);
    const [y, v] = [wave([6, 50], 3), wave([6, 50], 4)];
    const loss = (a: Tensor): Tensor => logSumExp(a.mul(a), 1).square().sum().add(softmax(a).mul(y).sum());
    const product = jit((a: Tensor, u: Tensor) => hvp(loss, a, u));
    const there = backend();
    const inside = (a: Tensor): Tensor =>
      logSumExp(a.mul(a), 1)
        .square()
        .sum()
        .add(softmax(a).mul(y.to(there)).sum());
    expectNear(jit((a: Tensor, u: Tensor) => hvp(inside, a, u))(y.to(there), v.to(there)), product(y, v), 1e-12);
  });
});
