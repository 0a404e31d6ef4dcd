/** Reading and writing at computed indices, sorting, random bits. */

import { gatherPrimitive, scatterAddPrimitive, scatterMaxPrimitive } from "../../primitives/gather.js";
import { sortPrimitive } from "../../primitives/sort.js";
import { threefryPrimitive } from "../../primitives/threefry.js";
import { entry, everything, floats, numbers, type Entry, type Example } from "../example.js";
import { cycle, distinct, index, real, word } from "../operand.js";

const sorts: readonly { shape: readonly number[]; count: number; descending: boolean }[] = [
  { shape: [5], count: 5, descending: false },
  { shape: [5], count: 5, descending: true },
  { shape: [2, 4], count: 2, descending: true },
  { shape: [3, 1], count: 1, descending: false },
  { shape: [3], count: 0, descending: false },
  { shape: [2, 0], count: 0, descending: false },
  { shape: [0, 3], count: 3, descending: false },
  { shape: [1, 2, 1, 2, 1, 3], count: 3, descending: false },
];

export const indexingEntries: readonly Entry[] = [
  entry(gatherPrimitive, everything, {}, [
    { params: { batch: 0, fill: 0 }, operands: [real([4]), index([3, 1], 4)] },
    { params: { batch: 0, fill: 0 }, operands: [real([4, 2]), index([2, 3, 1], 4)] },
    { params: { batch: 0, fill: 0 }, operands: [real([3, 3, 2]), index([4, 2], 3)] },
    { params: { batch: 1, fill: 0 }, operands: [real([3, 4]), index([3, 2, 1], 4)] },
    { params: { batch: 2, fill: 0 }, operands: [real([2, 3, 4, 2]), index([2, 3, 5, 1], 4)] },
    { title: "a scalar of indices", params: { batch: 0, fill: 0 }, operands: [real([4]), index([1], 4)] },
    { title: "no indices", params: { batch: 0, fill: 0 }, operands: [real([4, 2]), index([0, 1], 4)] },
    { title: "nothing to read", params: { batch: 0, fill: 0 }, operands: [real([4, 0]), index([2, 1], 4)] },
    { title: "indices outside", params: { batch: 0, fill: 7 }, operands: [real([3]), index([8, 1], 6, -3)] },
    { title: "rank 6", params: { batch: 1, fill: 0 }, operands: [real([2, 3, 1, 2, 1, 2]), index([2, 2, 1], 3)] },
  ]),
  entry(scatterAddPrimitive, numbers, { sums: 4 }, [
    { params: { batch: 0, shape: [4] }, operands: [real([3]), index([3, 1], 4)] },
    { title: "equal indices", params: { batch: 0, shape: [2] }, operands: [real([6, 2]), index([6, 1], 2)] },
    { params: { batch: 0, shape: [3, 3] }, operands: [real([4, 2]), index([4, 2], 3)] },
    { params: { batch: 1, shape: [4] }, operands: [real([3, 2]), index([3, 2, 1], 4)] },
    { title: "no updates", params: { batch: 0, shape: [4] }, operands: [real([0, 2]), index([0, 1], 4)] },
    { title: "indices outside", params: { batch: 0, shape: [3] }, operands: [real([8]), index([8, 1], 6, -3)] },
    { title: "rank 6", params: { batch: 1, shape: [3] }, operands: [real([2, 2, 1, 2, 1, 2]), index([2, 2, 1], 3)] },
  ]),
  entry(scatterMaxPrimitive, numbers, {}, [
    { params: { batch: 0, shape: [4] }, operands: [real([5], 0, 4), index([5, 1], 4)], smooth: false },
    { params: { batch: 1, shape: [2] }, operands: [real([3, 4], 0, 4), index([3, 4, 1], 2)], smooth: false },
  ]),
  entry(sortPrimitive, numbers, {}, [
    ...sorts.map(({ shape, count, descending }): Example<{ count: number; descending: boolean }> => ({
      title: `[${shape.join(", ")}], first ${count}${descending ? " from above" : ""}`,
      params: { descending, count },
      operands: [distinct(shape)],
    })),
    ...[false, true].flatMap((descending) => [
      {
        title: `ties${descending ? " from above" : ""}`,
        params: { descending, count: 6 },
        operands: [cycle([6], [2, 1, 2, 1, 3])],
        smooth: false,
      },
      {
        title: `special values${descending ? " from above" : ""}`,
        params: { descending, count: 9 },
        operands: [cycle([9], [0, NaN, -0, 1, -Infinity, Infinity, NaN, -0, 0])],
        dtypes: floats,
        smooth: null,
      },
    ]),
  ]),
  entry(threefryPrimitive, [], {}, [
    { params: null, operands: [word([]), word([]), word([3]), word([3])], dtypes: ["uint32"] },
    { params: null, operands: [word([2, 1]), word([2, 1]), word([3]), word([1])], dtypes: ["uint32"] },
    { title: "empty", params: null, operands: [word([]), word([]), word([0]), word([0])], dtypes: ["uint32"] },
  ]),
];
