/**
 * Kernels with functions of `@curv/bessel` through NVIDIA's compiler, as `real-compiler.test.ts` does with the package's own: no warnings,
 * at most 128 registers, nothing spilled but of third derivatives in the order.
 */

import { besselRatioI, besselRatioK, logIv, logIve, logKv, logKve } from "@curv/bessel";
import { grad, jvp, makeGraph, zeros, type DType, type Graph, type Tensor } from "@curv/tensor";
import { beforeEach, describe, expect, test } from "vitest";
import { planGraph } from "../src/graph-plan.js";
import { architectures, compileAll, nvrtc } from "./compiler.js";
import { sourcesOf } from "./kernel-sources.js";

const options = { multiprocessors: 132, hostFallback: false, library: true };

/** Alone, in a chain, under a sum, and with derivatives. */
function graphs(dtype: DType): Record<string, Graph> {
  const [v, x, few] = [zeros([4096], { dtype }), zeros([4096], { dtype }), zeros([16, 1], { dtype })];
  const functions = { logIv, logKv, logIve, logKve, besselRatioI, besselRatioK };
  const slope =
    (f: (a: Tensor, b: Tensor) => Tensor) =>
    (a: Tensor, b: Tensor): Tensor =>
      grad((at: Tensor) => f(a, at).sum())(b);
  const inOrder =
    (f: (a: Tensor, b: Tensor) => Tensor) =>
    (a: Tensor, b: Tensor): Tensor =>
      jvp((order: Tensor) => f(order, b), [a], [a.mul(0).add(1)]).tangent;
  const ofBoth = { logIv, logKv, besselRatioI, besselRatioK };
  return {
    ...Object.fromEntries(
      Object.entries(functions).map(([name, f]) => [name, makeGraph((a: Tensor, b: Tensor) => f(a, b), v, x)]),
    ),
    "slope of the ratio of I": makeGraph(slope(besselRatioI), v, x),
    "slope of the ratio of K": makeGraph(slope(besselRatioK), v, x),
    ...Object.fromEntries(
      Object.entries(ofBoth).flatMap(([name, f]) => {
        const first = inOrder(f);
        const second = inOrder(first);
        return [
          [`slope of ${name} in the order`, makeGraph(first, v, x)],
          [`second derivative of ${name} in the order`, makeGraph(second, v, x)],
          [`third derivative of ${name} in the order`, makeGraph(inOrder(second), v, x)],
        ];
      }),
    ),
    chain: makeGraph((a: Tensor, b: Tensor) => logIv(a, b.exp()).add(logKv(a, b.exp())).mul(2).sub(b), v, x),
    broadcast: makeGraph((a: Tensor, b: Tensor) => logIv(a, b.square()).neg(), few, x.reshape([1, 4096])),
    sum: makeGraph((a: Tensor, b: Tensor) => logKv(a, b).sum(), v, x),
  };
}

/** Of third derivatives a dozen words of each thread may go through the first-level cache. */
const fewNumbers = /^third derivative of \w+ in the order float64: \d+ registers, (\d|[1-4]\d) bytes spilled$/;

describe("NVRTC", () => {
  beforeEach(({ skip }) => skip(typeof nvrtc === "string", String(nvrtc)));

  test.each(architectures())("sm_%i", { timeout: 3_600_000 }, (architecture) => {
    const sources = (["float32", "float64"] as const).flatMap((dtype) =>
      Object.entries(graphs(dtype)).flatMap(([name, graph]) =>
        sourcesOf(planGraph(graph, options)).map((source) => [`${name} ${dtype}`, source] as const),
      ),
    );
    const complaints = compileAll(sources, architecture).complaints.filter((text) => !fewNumbers.test(text));
    expect(complaints).toEqual([]);
  });
});
