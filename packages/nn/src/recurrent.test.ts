/** What holds for recurrent layers. */

import { concat, grad, hvp, jacrev, jit, stack, tensor, zeros, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import * as tree from "@curv/tensor/tree";
import * as nn from "@curv/nn";
import { describe, expect, test } from "vitest";

const float64 = { dtype: "float64" } as const;
const [paramsKey, dataKey, stateKey] = random.split(random.key(4), 3);
const distance = (x: Tensor, y: Tensor): number => x.sub(y).abs().max().itemSync();
const normal = (key: random.Key, ...shape: number[]): Tensor => random.normal(key, { shape, ...float64 });

const x = normal(dataKey, 2, 6, 3);
const sizes = { in: 3, out: 4 };
const parts = (state: Tensor | nn.LstmState): Tensor[] => tree.flatten(state).leaves;
const layers: Record<string, (options: nn.RecurrentOptions) => nn.Recurrent<Tensor | nn.LstmState>> = {
  gru: nn.gru as never,
  lstm: nn.lstm as never,
};
const initial: Record<string, Tensor | nn.LstmState> = {
  gru: normal(stateKey, 2, 4),
  lstm: { h: normal(stateKey, 2, 4), c: normal(random.foldIn(stateKey, 1), 2, 4) },
};

describe.each(Object.entries(layers))("%s", (name, make) => {
  const layer = make(sizes);
  const params = layer.init(paramsKey, float64);
  const start = initial[name];

  test("unroll is step after step, and in pieces the same as at once", () => {
    const { outputs, final } = layer.unroll(params, x, start);
    let state = start;
    for (let t = 0; t < 6; t++) {
      state = layer.step(params, x.slice(null, t), state);
      expect(distance(outputs.slice(null, t), parts(state).at(-1)!)).toBeLessThan(1e-15);
    }
    parts(final).forEach((part, i) => expect(distance(part, parts(state)[i])).toBeLessThan(1e-15));
    const first = layer.unroll(params, x.slice(null, [0, 2]), start);
    const second = layer.unroll(params, x.slice(null, [2, 6]), first.final);
    expect(distance(concat([first.outputs, second.outputs], 1), outputs)).toBeLessThan(1e-15);
  });

  test("an output depends on its own input and those before it; in reverse on those after it", () => {
    for (const reverse of [false, true]) {
      const J = jacrev((v: Tensor) => make({ ...sizes, reverse }).apply(params, v))(x.slice(0));
      const depends = [...J.abs().sum([1, 3]).notEqual(0).cast("int32").dataSync()];
      depends.forEach((d, k) => {
        const [t, s] = [Math.floor(k / 6), k % 6];
        expect(d).toBe((reverse ? s >= t : s <= t) ? 1 : 0);
      });
    }
  });

  test("the last state is the last output, in reverse the first", () => {
    const last = make({ ...sizes, output: "last" }).apply(params, x);
    expect(distance(last, layer.apply(params, x).slice(null, -1))).toBe(0);
    const reversed = make({ ...sizes, output: "last", reverse: true }).apply(params, x);
    expect(
      distance(
        reversed,
        make({ ...sizes, reverse: true })
          .apply(params, x)
          .slice(null, 0),
      ),
    ).toBe(0);
  });

  test("any leading axes will do, and no steps leave the state as it was", () => {
    const y = layer.apply(params, x);
    expect(distance(layer.apply(params, x.slice(1)), y.slice(1))).toBeLessThan(1e-15);
    expect(distance(layer.apply(params, x.reshape(2, 1, 6, 3)), y.reshape(2, 1, 6, 4))).toBe(0);
    const { outputs, final } = layer.unroll(params, zeros([2, 0, 3], float64), start);
    expect(outputs.shape).toEqual([2, 0, 4]);
    parts(final).forEach((part, i) => expect(distance(part, parts(start)[i])).toBe(0));
  });

  test("the initial state has gradients, compiled too", () => {
    const loss = (h: typeof start): Tensor => layer.unroll(params, x, h).outputs.square().sum();
    const slope = grad(loss as never) as unknown as (h: typeof start) => typeof start;
    const gradient = parts(slope(start));
    const compiled = parts(jit(slope)(start));
    gradient.forEach((g, i) => {
      expect(g.abs().min().itemSync()).toBeGreaterThan(0);
      expect(distance(g, compiled[i])).toBeLessThan(1e-13);
    });
  });

  test("hidden weights are orthogonal for each gate, and gates differ", () => {
    const gates = stack(Array.from({ length: params.hidden.weight.shape[0] / 4 }, (_, g) => params.hidden.weight.slice([4 * g, 4 * g + 4]))); // prettier-ignore
    for (const W of [0, 1, 2].map((g) => gates.slice(g))) {
      expect(distance(W.matmul(W.T), tensor([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]], float64))).toBeLessThan(1e-14); // prettier-ignore
    }
    expect(distance(gates.slice(0), gates.slice(1))).toBeGreaterThan(0.1);
    expect(distance(params.input.weight.slice([0, 4]), params.input.weight.slice([4, 8]))).toBeGreaterThan(0.1);
  });

  test("second derivatives stay finite over 300 steps in float32", () => {
    const p = layer.init(paramsKey);
    const long = random.normal(dataKey, { shape: [1, 300, 3] });
    const loss = (q: typeof p): Tensor => layer.apply(q, long).slice(null, -1).square().sum();
    for (const leaf of tree.flatten(hvp(loss, p, tree.randomLike(stateKey, p))).leaves) {
      expect([...leaf.dataSync()].every(Number.isFinite)).toBe(true);
    }
  });
});

test("gru: an update gate at 1 keeps the state, at 0 forgets it", () => {
  const layer = nn.gru(sizes);
  const params = layer.init(paramsKey, float64);
  const gate = (value: number): nn.RecurrentParams => ({
    ...params,
    input: { ...params.input, bias: concat([zeros([4], float64), tensor([value, value, value, value], float64), zeros([4], float64)]) }, // prettier-ignore
  });
  const h = initial.gru as Tensor;
  expect(distance(layer.unroll(gate(60), x, h).final, h)).toBeLessThan(1e-15);
  const [xr, , xn] = [0, 1, 2].map((g) => x.slice(null, 0).matmul(params.input.weight.slice([4 * g, 4 * g + 4]).T));
  const [hr, , hn] = [0, 1, 2].map((g) => h.matmul(params.hidden.weight.slice([4 * g, 4 * g + 4]).T));
  const candidate = xn.add(xr.add(hr).sigmoid().mul(hn)).tanh();
  expect(distance(layer.step(gate(-60), x.slice(null, 0), h), candidate)).toBeLessThan(1e-15);
});

test("lstm: the forget gate starts open, all other biases at 0", () => {
  const { input, hidden } = nn.lstm({ in: 2, out: 2 }).init(paramsKey, float64);
  expect([...input.bias!.dataSync()]).toEqual([0, 0, 1, 1, 0, 0, 0, 0]);
  expect(hidden.bias!.abs().max().itemSync()).toBe(0);
});
