/** Convolution: the engine's Conv2D where its strides and dilations allow, else windows of the input times the kernel. */

import type { Aval, Shape } from "@curv/tensor";
import { sizeOf, type Engine } from "../engine.js";
import type { TfjsTensor } from "../tfjs.js";
import type { KernelTable } from "./kernel.js";
import { pad } from "./movement.js";

interface ConvParams {
  readonly stride: readonly number[];
  readonly padding: readonly (readonly [low: number, high: number])[];
  readonly inputDilation: readonly number[];
  readonly kernelDilation: readonly number[];
  readonly groups: number;
  readonly batchGroups: number;
}

/** x of [N, C, S…] with its zeros around and between put in. */
function padded(engine: Engine, x: TfjsTensor, { padding, inputDilation }: ConvParams): TfjsTensor {
  const none = [0, 0];
  return pad(engine, x, {
    low: [...none, ...padding.map(([low]) => low)],
    high: [...none, ...padding.map(([, high]) => high)],
    interior: [...none, ...inputDilation.map((d) => d - 1)],
  });
}

/** One image plane and one group: Conv2D, of one row where there is one axis. Channels go last and come back. */
function plane(engine: Engine, x: TfjsTensor, w: TfjsTensor, { stride, kernelDilation }: ConvParams): TfjsTensor {
  const spatial = x.shape.length - 2;
  const two = (list: readonly number[]): number[] => (spatial === 1 ? [1, list[0]] : [...list]);
  const image = (t: TfjsTensor): TfjsTensor => engine.reshape(t, [t.shape[0], t.shape[1], ...two(t.shape.slice(2))]);
  const y = engine.run(
    "Conv2D",
    { x: engine.transpose(image(x), [0, 2, 3, 1]), filter: engine.transpose(image(w), [2, 3, 1, 0]) },
    { strides: two(stride), dilations: two(kernelDilation), pad: "valid", dataFormat: "NHWC" },
  );
  return engine.transpose(y, [0, 3, 1, 2]);
}

/** What each kernel element meets, [N, C, K, Y]: strided slices, stacked. */
function windows(
  engine: Engine,
  x: TfjsTensor,
  taps: Shape,
  out: Shape,
  { stride, kernelDilation }: ConvParams,
): TfjsTensor {
  const [n, c] = x.shape;
  const positions = sizeOf(out);
  const tap = new Array<number>(taps.length).fill(0);
  const parts: TfjsTensor[] = [];
  for (let t = 0, count = sizeOf(taps); t < count; t++) {
    const part = tap.reduce((y, k, i) => {
      const start = k * kernelDilation[i];
      return engine.slice(y, i + 2, start, start + (out[i] - 1) * stride[i] + 1, stride[i]);
    }, x);
    parts.push(engine.reshape(part, [n, c, 1, positions]));
    for (let i = taps.length - 1; i >= 0 && ++tap[i] === taps[i]; i--) tap[i] = 0;
  }
  return engine.concat(parts, 2);
}

function conv(engine: Engine, x: TfjsTensor, w: TfjsTensor, params: ConvParams, { shape }: Aval): TfjsTensor {
  const { stride, kernelDilation, groups, batchGroups } = params;
  const taps = w.shape.slice(2);
  const [images, outputs, ...out] = shape;
  const whole = padded(engine, x, params);
  const simple = stride.every((s) => s === 1) || kernelDilation.every((d) => d === 1);
  if (groups === 1 && batchGroups === 1 && taps.length <= 2 && simple) {
    return engine.reshape(plane(engine, whole, w, params), shape);
  }
  // Part i of the channels, or of the batch, meets part i of the outputs: [parts, images · Y, C · K] times [parts, C · K, O].
  const parts = groups * batchGroups;
  const channels = w.shape[1];
  const depth = channels * sizeOf(taps);
  const positions = sizeOf(out);
  const columns = windows(engine, whole, taps, out, params);
  const split =
    batchGroups > 1
      ? engine.transpose(engine.reshape(columns, [parts, images, depth, positions]), [0, 1, 3, 2])
      : engine.transpose(engine.reshape(columns, [images, parts, depth, positions]), [1, 0, 3, 2]);
  const left = engine.reshape(split, [parts, images * positions, depth]);
  const right = engine.reshape(w, [parts, outputs / parts, depth]);
  const y = engine.matmul(left, right, { transposeB: true }); // [parts, images · Y, O]
  const back = engine.transpose(engine.reshape(y, [parts, images, positions, outputs / parts]), [1, 0, 3, 2]);
  return engine.reshape(back, shape);
}

export const convKernels: KernelTable = {
  conv: (engine, [x, w], params: ConvParams, [out]) => [conv(engine, x, w, params, out)],
};
