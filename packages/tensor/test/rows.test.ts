/** Passes over the same rows are taken together, and change no bit by it: softmax, log-sum-exp and layer norm, with their gradients. */

import { afterEach, describe, expect, test } from "vitest";
import {
  flip,
  grad,
  jit,
  logSoftmax,
  logSumExp,
  makeGraph,
  scan,
  setThreads,
  softmax,
  valueAndGrad,
  zeros,
  type Tensor,
} from "../src/index.js";
import { Lowering } from "../src/cpu/wasm/lower.js";
import { newArray, type Step } from "../src/cpu/wasm/program.js";
import { togetherByRows } from "../src/cpu/wasm/rows.js";
import { flattenCalls } from "../src/transform/simplify.js";
import * as random from "../src/random/index.js";

afterEach(() => setThreads(1));

const keep = { keepDims: true };
const layerNorm = (x: Tensor): Tensor => {
  const centred = x.sub(x.mean(-1, keep));
  return centred.div(centred.square().mean(-1, keep).add(1e-5).sqrt());
};

/** Functions, and how many of their steps are taken together. */
const functions: Readonly<Record<string, readonly [f: (x: Tensor) => unknown, together: number]>> = {
  softmax: [(x) => softmax(x), 4],
  "log-sum-exp": [(x) => logSumExp(x, -1), 4],
  "cross-entropy and its gradient": [valueAndGrad((x: Tensor) => logSoftmax(x).mul(x).sum()), 5],
  "layer norm": [(x) => layerNorm(x), 6],
  "gradient of layer norm": [grad((x: Tensor) => layerNorm(x).sin().sum()), 12],
  "of pairs of rows": [
    (x) => {
      const pairs = x.reshape([x.shape[0] / 2, 2, x.shape[1]]);
      const e = pairs.sub(pairs.max([1, 2], keep)).exp();
      return e.div(e.sum([1, 2], keep));
    },
    4,
  ],
  "what needs other rows is apart": [(x) => x.sub(flip(x.max(-1, keep), 0)).exp(), 0],
  "in a loop": [(x) => scan((c: Tensor, _: Tensor): [Tensor, Tensor] => [softmax(c), c.sum()], x, zeros([3]))[0], 0],
};

const stepsOf = (f: (x: Tensor) => unknown, x: Tensor): readonly Step[] => {
  const graph = flattenCalls(makeGraph(f as (x: Tensor) => Tensor, x));
  const lowering = new Lowering(() => 64);
  lowering.lower(
    graph,
    graph.inputs.map((v) => newArray(v)),
  );
  return togetherByRows(lowering.steps);
};
const bytesOf = (tree: unknown): Buffer => {
  const { value, grad: gradient } = tree as { readonly value?: Tensor; readonly grad?: Tensor };
  const tensors = value === undefined ? [tree as Tensor] : [value, gradient!];
  return Buffer.concat(tensors.map((x) => Buffer.from(x.dataSync().slice().buffer)));
};

describe.each([
  ["float32", 400, 1501],
  ["float64", 64, 5003],
] as const)("%s of [%i, %i]", (dtype, rows, columns) => {
  const x = random.normal(random.key(1), { shape: [rows, columns], dtype });

  test.each(Object.keys(functions))("%s", async (name) => {
    const [f] = functions[name];
    const wanted = bytesOf(f(x));
    const compiled = jit(f as (x: Tensor) => Tensor);
    for (const threads of [1, 2]) {
      setThreads(threads);
      for (let call = 0; call < 2; call++) {
        expect(bytesOf(compiled(x)).equals(wanted), `${threads} threads, call ${call}`).toBe(true);
        await new Promise((resolve) => setTimeout(resolve, 50)); // workers get a program when the event loop turns
      }
    }
  });

  test("which steps", () => {
    const found = Object.entries(functions).map(([name, [f]]) => {
      const group = stepsOf(f, x).find(({ kind }) => kind === "rows");
      return [name, group?.kind === "rows" ? group.steps.length : 0];
    });
    expect(found).toEqual(Object.entries(functions).map(([name, [, together]]) => [name, together]));
  });
});
