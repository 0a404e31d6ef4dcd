/** 100,000 steps of training: memory as flat at the end as at the beginning. */

import { grad, jit, tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { drop, openCard } from "./harness.mjs";

export function steps({ tiny, left }) {
  const place = openCard();
  const wanted = tiny ? 300 : 100_000;
  const keys = random.split(random.key(5), 5);
  const draw = (key, shape) => random.normal(key, { shape }).mul(0.3);
  const [x, y] = [draw(keys[0], [64, 16]), draw(keys[1], [64, 1])];
  /**
   * @typedef {import("@curv/tensor").Tensor} Tensor
   * @typedef {{ w1: Tensor, b1: Tensor, w2: Tensor }} Weights
   */
  /** @type {(weights: Weights) => Tensor} */
  const loss = ({ w1, b1, w2 }) => x.matmul(w1).add(b1).tanh().matmul(w2).sub(y).square().mean();
  const step = jit((/** @type {Weights} */ p, /** @type {Tensor} */ rate) => {
    const g = grad(loss)(p);
    return { w1: p.w1.sub(g.w1.mul(rate)), b1: p.b1.sub(g.b1.mul(rate)), w2: p.w2.sub(g.w2.mul(rate)) };
  });
  let params = { w1: draw(keys[2], [16, 32]), b1: draw(keys[3], [32]), w2: draw(keys[4], [32, 1]) };
  const rate = tensor(0.05).to(place);
  const advance = (n) => {
    for (let i = 0; i < n; i++) {
      const next = step(params, rate);
      drop(params);
      params = next;
    }
  };
  const started = loss(params).itemSync();
  advance(20);
  const [free, total] = [new BigUint64Array(1), new BigUint64Array(1)];
  const state = () => {
    place.device.synchronize();
    place.device.call.cuMemGetInfo_v2(free, total);
    const { arrays, bytes, keptBytes } = place.memory();
    return { arrays, bytes, keptBytes, freeOnCard: Number(free[0]), hostBytes: process.memoryUsage().rss };
  };
  const before = state();
  const start = performance.now();
  let done = 0;
  for (; done < wanted && left() > 3; done += 100) advance(100);
  const after = state();
  const seconds = (performance.now() - start) / 1000;
  const flat = ["arrays", "bytes", "keptBytes", "freeOnCard"].every((name) => before[name] === after[name]);
  return {
    ok: flat && done >= wanted && Number.isFinite(loss(params).itemSync()),
    steps: done,
    wanted,
    microsecondsPerStep: (1e6 * seconds) / done,
    flat,
    before,
    after,
    loss: [started, loss(params).itemSync()],
    replays: place.device.replays,
  };
}
