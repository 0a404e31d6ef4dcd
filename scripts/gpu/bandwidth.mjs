/** Kernels that move memory, beside what a copy of the same size reaches in the same run. */

import { jit, linearRecurrence, logSumExp, softmax } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { floats, openCard, timed } from "./harness.mjs";

export function bandwidth({ tiny, left, save }) {
  const place = openCard();
  const n = tiny ? 2 ** 10 : 2 ** 28;
  const seconds = () => Math.min(6, left() / 10);
  const results = {};
  for (const dtype of floats) {
    const bytes = dtype === "float32" ? 4 : 8;
    const size = n / (bytes / 4);
    const [x, y] = random.split(random.key(1), 2).map((key) => random.normal(key, { shape: [size], dtype }));
    const { device } = place;
    const [from, to] = [device.memory.allocate(size * bytes, () => "from"), device.memory.allocate(size * bytes, () => "to")]; // prettier-ignore
    const rate = (time, arrays) => (arrays * size * bytes) / (1e-3 * time.milliseconds);
    const copied = timed(
      place,
      () => device.call.cuMemcpyDtoDAsync_v2(to.address, from.address, size * bytes, device.stream),
      { seconds: seconds() },
    );
    device.memory.free(from);
    device.memory.free(to);
    const copy = rate(copied, 2);
    const rows = tiny ? 4 : 2 ** 14;
    const of = (f, args, arrays) => {
      const compiled = jit(f);
      const time = timed(place, () => compiled(...args), { seconds: seconds() });
      return { ...time, terabytesPerSecond: rate(time, arrays) / 1e12, ofCopy: rate(time, arrays) / copy };
    };
    const matrix = x.reshape([rows, size / rows]);
    const seen = { elements: size, copyTerabytesPerSecond: copy / 1e12, copy: copied };
    results[dtype] = seen;
    const kernels = {
      chain: () => of((a, b) => a.mul(b).add(1).tanh().mul(a).sub(b).mul(0.5).maximum(0).add(b.square()), [x, y], 3),
      sum: () => of((a) => a.square().sum(), [x], 1),
      rowLogSumExp: () => of((a) => logSumExp(a, -1), [matrix], 1),
      rowSoftmax: () => of((a) => softmax(a), [matrix], 3),
      transpose: () => of((a) => a.transpose().add(0), [matrix], 2),
      columnSum: () => of((a) => a.sum(0), [matrix], 1),
      rowSum: () => of((a) => a.sum(1), [matrix], 1),
      recurrence: () => of((a, b) => linearRecurrence(a.mul(0.1), b, 0), [x, y], 3),
      shortChain: () => of((a, b) => a.mul(2).add(b), [x, y], 3),
    };
    for (const [name, measure] of Object.entries(kernels)) {
      seen[name] = measure();
      save(results);
    }
    for (const a of [x, y]) a.dispose();
  }
  return {
    ok: true,
    target: { chain: 0.85, sum: 0.85, rowLogSumExp: 0.8, rowSoftmax: 0.8, transpose: 0.75 },
    ...results,
  };
}
