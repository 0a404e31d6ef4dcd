/** Operations on int32 that the engines' own kernels may compute as floats, and operands that tell: the results are the CPU's to the last bit. */

import {
  argMax,
  concat,
  cummax,
  cumprod,
  cumsum,
  expandDims,
  flip,
  floorDiv,
  matmul,
  max,
  maximum,
  min,
  minimum,
  mod,
  pad,
  prod,
  rem,
  scatterAdd,
  slice,
  sort,
  sum,
  take,
  tensor,
  where,
  zeros,
  type Tensor,
} from "@curv/tensor";

type Operation = (x: Tensor, y: Tensor) => Tensor;

const square = (x: Tensor): Tensor => x.reshape(8, 8);
const places = Int32Array.from({ length: 64 }, (_, i) => (i * 5) % 13);

/** The engines have a kernel of that name for most of these, and many are right for small integers only. */
export const operations: Readonly<Record<string, Operation>> = {
  itself: (x) => x,
  add: (x, y) => x.add(y),
  "add a number": (x) => x.add(1),
  sub: (x, y) => x.sub(y),
  mul: (x, y) => x.mul(y),
  neg: (x) => x.neg(),
  abs: (x) => x.abs(),
  sign: (x) => x.sign(),
  square: (x) => x.square(),
  pow: (x) => x.pow(tensor(3, { dtype: "int32" })),
  floorDiv,
  mod,
  rem,
  less: (x, y) => x.less(y),
  equal: (x, y) => x.equal(y),
  "equal to a neighbour": (x) => x.equal(x.add(1)),
  maximum,
  minimum,
  where: (x, y) => where(x.less(y), x, y),
  sum: (x) => sum(x),
  "sum of rows": (x) => sum(square(x), 0),
  prod: (x) => prod(where(x.equal(0), 3, x)),
  "prod of rows": (x) => prod(square(x), 1),
  max: (x) => max(x),
  min: (x) => min(x),
  argMax: (x) => argMax(x),
  matmul: (x, y) => matmul(square(x), square(y)),
  cumsum: (x) => cumsum(x, 0),
  cumprod: (x) => cumprod(x, 0),
  cummax: (x) => cummax(x, 0),
  sort: (x) => sort(x),
  transpose: (x) => square(x).T,
  concat: (x, y) => concat([x, y], 0),
  flip: (x) => flip(x),
  pad: (x) => pad(x, [[1, 2]], 2147483646),
  slice: (x) => slice(x, [3, 40, 3]),
  broadcast: (x) => expandDims(square(x), 1).add(square(x).sub(square(x))),
  take: (x) => take(x, tensor(places)),
  scatterAdd: (x) => scatterAdd(zeros([13], { dtype: "int32" }), tensor(places).reshape(64, 1), x),
  "as float32": (x) => x.cast("float32"),
  "from float32": (x) => x.cast("float32").cast("int32"),
  "as bool": (x) => x.cast("bool"),
};

/** 64 odd numbers of so many bits with a sign, by a linear congruence. */
function numbers(seed: number, bits: number): Int32Array {
  let state = seed;
  return Int32Array.from({ length: 64 }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    const mixed = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d);
    return ((mixed ^ (mixed >>> 13)) >> (32 - bits)) | 1;
  });
}

const ends = [-(2 ** 31), 2 ** 31 - 1, -1, 0, 1, 2, -2, 65536];
export const cases: Readonly<Record<string, readonly [Int32Array, Int32Array]>> = {
  "the ends of the range": [Int32Array.from({ length: 64 }, (_, i) => ends[i >> 3]), Int32Array.from({ length: 64 }, (_, i) => ends[i & 7])],
  "32 bits": [numbers(1, 32), numbers(7, 32)],
  "31 bits by 6": [numbers(2, 31), numbers(3, 6)],
  "25 bits by 12": [numbers(4, 25), numbers(5, 12)],
  "24 bits": [numbers(8, 24), numbers(9, 24)],
  "5 bits": [numbers(10, 5), numbers(11, 5)],
}; // prettier-ignore

/** What each operation gives on each case with both operands where `place` puts them, or the message of what it throws. */
export async function integerResults(place: (x: Tensor) => Tensor): Promise<Record<string, number[] | string>> {
  const results: Record<string, number[] | string> = {};
  for (const [name, f] of Object.entries(operations)) {
    for (const [which, [x, y]] of Object.entries(cases)) {
      try {
        results[`${name}, ${which}`] = Array.from(await f(place(tensor(x)), place(tensor(y))).data());
      } catch (error) {
        results[`${name}, ${which}`] = String(error);
      }
    }
  }
  return results;
}
