/**
 * n-dimensional convolution (cross-correlation, as in every deep-learning library), closed under transposition: both its transposes are
 * convolutions again, with dilated inputs, flipped kernels and possibly negative padding.
 */

import { copyStrided } from "../cpu/kernels/copy.js";
import { matmul } from "../cpu/kernels/matmul.js";
import { collapse } from "../cpu/strided.js";
import { compiledPrimitive } from "../cpu/wasm/compile.js";
import type { TypedArray } from "../dtype.js";
import { zeros } from "../create.js";
import { allocate, own } from "../memory.js";
import { flip, moveAxis, reshape, transpose } from "../ops/movement.js";
import { range, sizeOf, stridesOf, type Shape } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { bind1 } from "../transform/trace.js";
import { aval, definePrimitive, type HostArray, type Primitive } from "./primitive.js";

/** One number per spatial axis, unless said otherwise. */
export interface ConvParams {
  readonly stride: readonly number[];
  /** Zeros before and after; negative crops. */
  readonly padding: readonly (readonly [low: number, high: number])[];
  /** Step between input elements: zeros are put between neighbours. */
  readonly inputDilation: readonly number[];
  /** Step between kernel elements. */
  readonly kernelDilation: readonly number[];
  /** Channels and outputs are split in so many independent parts. */
  readonly groups: number;
  /** The batch of the input and the outputs of the kernel are split in so many parts, part i with part i. */
  readonly batchGroups: number;
}

/** Length of n elements with d − 1 zeros between neighbours. */
export const dilated = (n: number, d: number): number => (n === 0 ? 0 : d * (n - 1) + 1);

export function convSpatialShape(input: Shape, kernel: Shape, params: ConvParams): number[] {
  return input.map((s, i) => {
    const [low, high] = params.padding[i];
    const room = dilated(s, params.inputDilation[i]) + low + high - dilated(kernel[i], params.kernelDilation[i]);
    return Math.max(0, Math.floor(room / params.stride[i]) + 1);
  });
}

/** conv(x, w): x of [N, groups·C, S…], w of [groups·O, C, K…], result [N, groups·O, Y…]. Bilinear. */
export const convPrimitive: Primitive<ConvParams> = /* @__PURE__ */ definePrimitive<ConvParams>({
  name: "conv",
  loop: "conv",
  shape: ([x, w], params) => [
    aval(
      [x.shape[0] / params.batchGroups, w.shape[0], ...convSpatialShape(x.shape.slice(2), w.shape.slice(2), params)],
      x.dtype,
    ),
  ],
  jvp: ([x, w], [dx, dw], params) => {
    const fromX = dx === null ? null : bind1(convPrimitive, [dx, w], params);
    const fromW = dw === null ? null : bind1(convPrimitive, [x, dw], params);
    return [fromX === null ? fromW : fromW === null ? fromX : fromX.add(fromW)];
  },
  transpose: ([ct], [x, w], [xLinear], params) => {
    if (ct!.size === 0) return [xLinear ? zeros(x.shape, x) : null, xLinear ? null : zeros(w.shape, w)];
    return xLinear ? [inputCotangent(ct!, x.shape, w, params), null] : [null, kernelCotangent(ct!, x, w.shape, params)];
  },
  batch: ([x, w], [xBatched, wBatched], params, size) => {
    const { groups, batchGroups } = params;
    if (xBatched && wBatched) {
      // Both: the mapped axis becomes more groups. B·g parts of channels, B·g parts of outputs.
      if (batchGroups > 1) {
        // [B, h·N, C…] and [B, h·O, C…]: the parts multiply on the batch side.
        const parts = x.reshape([size * x.shape[1], ...x.shape.slice(2)]);
        const kernels = w.reshape([size * w.shape[1], ...w.shape.slice(2)]);
        const out = bind1(convPrimitive, [parts, kernels], { ...params, batchGroups: batchGroups * size });
        return [moveAxis(splitAxis(out, 1, size), 1, 0)];
      }
      const parts = mergeAxes(moveAxis(x, 0, 1), 1);
      const kernels = w.reshape([size * w.shape[1], ...w.shape.slice(2)]);
      const out = bind1(convPrimitive, [parts, kernels], { ...params, groups: groups * size });
      return [moveAxis(splitAxis(out, 1, size), 1, 0)];
    }
    if (xBatched) {
      if (batchGroups > 1) {
        // The parts stay outermost: [h, B, N/h…].
        const parts = mergeAxes(mergeAxes(moveAxis(splitAxis(x, 1, batchGroups), 0, 1), 0), 0);
        const out = bind1(convPrimitive, [parts, w], params);
        return [splitAxis(out, 0, size)];
      }
      const out = bind1(convPrimitive, [mergeAxes(x, 0), w], params);
      return [splitAxis(out, 0, size)];
    }
    // Only the kernel: B into the outputs of each group.
    const parts = groups * batchGroups;
    const kernels = mergeAxes(mergeAxes(moveAxis(splitAxis(w, 1, parts), 0, 1), 0), 0);
    const out = bind1(convPrimitive, [x, kernels], params);
    // [N, parts, B, O/parts…] → [B, N, O…]
    const split = splitAxis(splitAxis(out, 1, parts), 2, size);
    return [mergeAxes(moveAxis(split, 2, 0), 2)];
  },
  lower: ([x, w], params, [out]) => {
    // One way to compute it for eager and compiled code, so that the bits agree.
    const compiled = compiledPrimitive(convPrimitive, [x, w], params, out);
    return compiled === null ? [convolve(x, w, params, out.shape)] : [compiled([x.buffer, w.buffer])[0] as TypedArray];
  },
});

/** Splits an axis of length parts·n into [parts, n]. */
function splitAxis(x: Tensor, axis: number, parts: number): Tensor {
  return reshape(x, [...x.shape.slice(0, axis), parts, x.shape[axis] / parts, ...x.shape.slice(axis + 1)]);
}

/** Merges an axis with the next. */
function mergeAxes(x: Tensor, axis: number): Tensor {
  return reshape(x, [...x.shape.slice(0, axis), x.shape[axis] * x.shape[axis + 1], ...x.shape.slice(axis + 2)]);
}

/** w with outputs and channels exchanged inside each of `parts` groups: [p·O, C, K…] → [p·C, O, K…]. */
function swapInGroups(w: Tensor, parts: number): Tensor {
  const split = splitAxis(w, 0, parts);
  const swapped = transpose(split, [0, 2, 1, ...range(w.rank - 2).map((i) => i + 3)]);
  return mergeAxes(swapped, 0);
}

function inputCotangent(ct: Tensor, xShape: Shape, w: Tensor, params: ConvParams): Tensor {
  const { stride, padding, inputDilation, kernelDilation, groups, batchGroups } = params;
  const kernelShape = w.shape.slice(2);
  const spatial = range(kernelShape.length);
  const flipped = flip(
    w,
    spatial.map((i) => i + 2),
  );
  const back: ConvParams = {
    stride: inputDilation,
    inputDilation: stride,
    kernelDilation,
    padding: spatial.map((i) => {
      const dk = dilated(kernelShape[i], kernelDilation[i]);
      const dx = dilated(xShape[i + 2], inputDilation[i]);
      const dy = dilated(ct.shape[i + 2], stride[i]);
      const [low] = padding[i];
      return [dk - 1 - low, dx + low - dy] as const;
    }),
    groups,
    batchGroups: 1,
  };
  if (batchGroups === 1) return bind1(convPrimitive, [ct, swapInGroups(flipped, groups)], back);
  // Part i of the batch met only part i of the outputs: [N, h·O] → [h·N, O] with the kernel's parts as groups.
  const h = batchGroups;
  const out = bind1(convPrimitive, [ct, swapInGroups(flipped, h)], { ...back, groups: h }); // [N, h·C, S…]
  return mergeAxes(moveAxis(splitAxis(out, 1, h), 1, 0), 0); // [h·N, C, S…]
}

function kernelCotangent(ct: Tensor, x: Tensor, wShape: Shape, params: ConvParams): Tensor {
  const { stride, padding, inputDilation, kernelDilation, groups, batchGroups } = params;
  const spatial = range(wShape.length - 2);
  const swapFront = [1, 0, ...spatial.map((i) => i + 2)];
  // The batch becomes the contracted channels; x's dilation stays, stride and kernel dilation exchange.
  const back: ConvParams = {
    stride: kernelDilation,
    inputDilation,
    kernelDilation: stride,
    padding: spatial.map((i) => {
      const dk = dilated(wShape[i + 2], kernelDilation[i]);
      const dx = dilated(x.shape[i + 2], inputDilation[i]);
      const dy = dilated(ct.shape[i + 2], stride[i]);
      const [low] = padding[i];
      return [low, dy + dk - 1 - dx - low] as const;
    }),
    groups: 1,
    batchGroups: groups,
  };
  if (batchGroups === 1) {
    const out = bind1(convPrimitive, [transpose(x, swapFront), transpose(ct, swapFront)], back); // [C, g·O, K…]
    return transpose(out, swapFront);
  }
  // x of [h·N, C, S…] with ct of [N, h·O, Y…]: x's parts become channel groups.
  const h = batchGroups;
  const xParts = mergeAxes(transpose(splitAxis(x, 0, h), [2, 0, 1, ...spatial.map((i) => i + 3)]), 1); // [C, h·N, S…]
  const ctParts = transpose(ct, swapFront); // [h·O, N, Y…]
  const out = bind1(convPrimitive, [xParts, ctParts], { ...back, groups: h, batchGroups: 1 }); // [C, h·O, K…]
  return transpose(out, swapFront);
}

/**
 * im2col + matrix product, one image and group at a time: columns of [C·ΠK, ΠY] hold what each kernel element meets, zero where it meets
 * padding or a dilation gap.
 */
function convolve(x: HostArray, w: HostArray, params: ConvParams, outShape: Shape): HostArray["buffer"] {
  const { groups, batchGroups } = params;
  const out = allocate(x.dtype, sizeOf(outShape));
  if (out.length === 0) return out;
  const space = x.shape.slice(2);
  const taps = w.shape.slice(2);
  const outSpace = outShape.slice(2);
  const parts = groups * batchGroups;
  const channels = w.shape[1];
  const outputs = w.shape[0] / parts;
  const images = outShape[0];
  const inputSize = sizeOf(space);
  const positions = sizeOf(outSpace);
  const depth = channels * sizeOf(taps);
  const kernel = matmul[x.dtype]!;
  const pointwise = isPointwise(space, taps, outSpace, params);
  const columns = pointwise ? x.buffer : own(x.dtype, depth * positions);
  const walks = pointwise ? [] : tapWalks(space, taps, outSpace, params);
  for (let n = 0; n < images; n++) {
    for (let g = 0; g < parts; g++) {
      const image = batchGroups > 1 ? g * images + n : n;
      const from = (image * x.shape[1] + (batchGroups > 1 ? 0 : g * channels)) * inputSize;
      if (!pointwise) {
        for (let c = 0, row = 0; c < channels; c++) {
          for (const walk of walks) {
            const to = row++ * positions;
            if (walk !== null) {
              copyStrided[x.dtype]!(
                x.buffer,
                from + c * inputSize + walk.from,
                walk.read,
                columns,
                to + walk.to,
                walk.write,
                walk.shape,
                0,
              );
            }
          }
        }
      }
      kernel(
        outputs, positions, depth,
        w.buffer, g * outputs * depth, depth, 1,
        columns, pointwise ? from : 0, positions, 1,
        out, (n * outShape[1] + g * outputs) * positions,
      ); // prettier-ignore
    }
  }
  return out;
}

function isPointwise(
  space: Shape,
  taps: Shape,
  outSpace: Shape,
  { stride, padding, inputDilation }: ConvParams,
): boolean {
  return space.every(
    (s, i) =>
      taps[i] === 1 &&
      stride[i] === 1 &&
      inputDilation[i] === 1 &&
      padding[i][0] === 0 &&
      padding[i][1] === 0 &&
      s === outSpace[i],
  );
}

interface TapWalk {
  readonly from: number;
  readonly to: number;
  readonly read: readonly number[];
  readonly write: readonly number[];
  readonly shape: readonly number[];
}

/** For each kernel element the strided copy from an image channel to its row of columns; null where it meets only zeros. */
function tapWalks(space: Shape, taps: Shape, outSpace: Shape, params: ConvParams): (TapWalk | null)[] {
  const { stride, padding, inputDilation, kernelDilation } = params;
  const inStrides = stridesOf(space);
  const outStrides = stridesOf(outSpace);
  const walks: (TapWalk | null)[] = [];
  const tap = new Array<number>(taps.length).fill(0);
  for (let t = 0, count = sizeOf(taps); t < count; t++) {
    let from = 0;
    let to = 0;
    let empty = false;
    const read: number[] = [];
    const write: number[] = [];
    const shape: number[] = [];
    for (let i = 0; i < taps.length; i++) {
      // Output y meets dilated input position y·stride + tap·kernelDilation − low; it is an element if that is a multiple of b in range.
      const b = inputDilation[i];
      const shift = tap[i] * kernelDilation[i] - padding[i][0];
      let first = 0;
      while (first < Math.min(outSpace[i], b) && mod(first * stride[i] + shift, b) !== 0) first++;
      const period = b / gcd(b, stride[i]);
      // Step over y = first + j·period with input index (first·stride + shift)/b + j·period·stride/b.
      const advance = (period * stride[i]) / b;
      let index = (first * stride[i] + shift) / b;
      if (first >= outSpace[i] || mod(first * stride[i] + shift, b) !== 0) {
        empty = true;
        break;
      }
      const skip = index < 0 ? Math.ceil(-index / advance) : 0;
      first += skip * period;
      index += skip * advance;
      const n = Math.min(
        first >= outSpace[i] ? 0 : Math.floor((outSpace[i] - 1 - first) / period) + 1,
        index >= space[i] ? 0 : Math.floor((space[i] - 1 - index) / advance) + 1,
      );
      if (n <= 0) {
        empty = true;
        break;
      }
      from += index * inStrides[i];
      to += first * outStrides[i];
      read.push(advance * inStrides[i]);
      write.push(period * outStrides[i]);
      shape.push(n);
    }
    if (empty) walks.push(null);
    else {
      const walk = collapse(shape, [read, write]);
      walks.push({ from, to, read: walk.strides[0], write: walk.strides[1], shape: walk.shape });
    }
    for (let i = taps.length - 1; i >= 0 && ++tap[i] === taps[i]; i--) tap[i] = 0;
  }
  return walks;
}

const mod = (a: number, b: number): number => ((a % b) + b) % b;

function gcd(a: number, b: number): number {
  while (b !== 0) [a, b] = [b, a % b];
  return a;
}
