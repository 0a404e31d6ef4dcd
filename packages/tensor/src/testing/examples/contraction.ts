/** Sums of products: the general contraction and convolution. */

import { convPrimitive, type ConvParams } from "../../primitives/conv.js";
import { dotPrimitive, type DotParams } from "../../primitives/dot.js";
import type { Shape } from "../../shape.js";
import { entry, floats, numbers, type Entry, type Example } from "../example.js";
import { real } from "../operand.js";

const dots: readonly (DotParams & { x: Shape; y: Shape })[] = [
  { x: [3], y: [3], contract: [[0], [0]], batch: [[], []] },
  { x: [2, 3], y: [3, 4], contract: [[1], [0]], batch: [[], []] },
  { x: [3, 2], y: [4, 3], contract: [[0], [1]], batch: [[], []] },
  { x: [2], y: [3], contract: [[], []], batch: [[], []] },
  { x: [], y: [2], contract: [[], []], batch: [[], []] },
  { x: [3, 2, 4], y: [3, 4, 5], contract: [[2], [1]], batch: [[0], [0]] },
  { x: [2, 3, 4], y: [4, 2, 3], contract: [[0, 2], [1, 0]], batch: [[1], [2]] },
  { x: [2, 3, 4], y: [3, 2, 4, 5], contract: [[2, 0], [2, 1]], batch: [[], []] },
  { x: [2, 0], y: [0, 3], contract: [[1], [0]], batch: [[], []] },
  { x: [0, 3], y: [3, 2], contract: [[1], [0]], batch: [[], []] },
  { x: [2, 33], y: [33, 3], contract: [[1], [0]], batch: [[], []] },
  { x: [2, 1, 2, 3, 1, 2], y: [2, 2, 3, 2], contract: [[2, 3], [1, 2]], batch: [[0], [3]] },
]; // prettier-ignore

const plain: ConvParams = {
  stride: [1],
  padding: [[0, 0]],
  inputDilation: [1],
  kernelDilation: [1],
  groups: 1,
  batchGroups: 1,
};
const plane: ConvParams = {
  stride: [1, 1],
  padding: [[0, 0], [0, 0]],
  inputDilation: [1, 1],
  kernelDilation: [1, 1],
  groups: 1,
  batchGroups: 1,
}; // prettier-ignore

const convs: readonly { title: string; x: Shape; w: Shape; params: ConvParams }[] = [
  { title: "1-d", x: [2, 3, 5], w: [4, 3, 2], params: plain },
  { title: "pointwise", x: [2, 3, 4], w: [2, 3, 1], params: plain },
  { title: "stride 2, padding 1 and 2", x: [1, 2, 6], w: [2, 2, 3], params: { ...plain, stride: [2], padding: [[1, 2]] } },
  { title: "negative padding", x: [1, 2, 7], w: [2, 2, 2], params: { ...plain, padding: [[-1, -2]] } },
  { title: "dilated input", x: [2, 1, 4], w: [2, 1, 3], params: { ...plain, inputDilation: [3], padding: [[1, 0]] } },
  { title: "dilated kernel", x: [1, 2, 7], w: [1, 2, 3], params: { ...plain, kernelDilation: [2], stride: [2] } },
  { title: "groups", x: [2, 4, 5], w: [6, 2, 2], params: { ...plain, groups: 2 } },
  { title: "batch groups", x: [4, 3, 5], w: [4, 3, 2], params: { ...plain, batchGroups: 2 } },
  { title: "depthwise 2-d", x: [1, 2, 4, 5], w: [2, 1, 2, 3], params: { ...plane, groups: 2 } },
  {
    title: "2-d, everything",
    x: [2, 4, 5, 4],
    w: [4, 2, 3, 2],
    params: { stride: [2, 1], padding: [[1, 0], [2, -1]], inputDilation: [2, 1], kernelDilation: [1, 2], groups: 2, batchGroups: 1 },
  },
  {
    title: "3-d",
    x: [1, 2, 3, 3, 2],
    w: [2, 2, 2, 1, 2],
    params: { stride: [1, 2, 1], padding: [[0, 1], [0, 0], [1, 0]], inputDilation: [1, 1, 1], kernelDilation: [1, 1, 1], groups: 1, batchGroups: 1 },
  },
  { title: "no images", x: [0, 3, 5], w: [4, 3, 2], params: plain },
  { title: "no channels", x: [2, 0, 5], w: [4, 0, 2], params: plain },
  { title: "window that does not fit", x: [1, 1, 2], w: [1, 1, 3], params: plain },
]; // prettier-ignore

export const contractionEntries: readonly Entry[] = [
  entry(
    dotPrimitive,
    numbers,
    { sums: 8 },
    dots.map(({ x, y, contract, batch }): Example<DotParams> => ({
      title: `[${x.join(", ")}] with [${y.join(", ")}] over ${contract[0].join()}|${contract[1].join()}, batch ${batch[0].join()}|${batch[1].join()}`,
      params: { contract, batch },
      operands: [real(x), real(y)],
    })),
  ),
  entry(
    convPrimitive,
    floats,
    { sums: 12 },
    convs.map(({ title, x, w, params }): Example<ConvParams> => ({ title, params, operands: [real(x), real(w)] })),
  ),
];
