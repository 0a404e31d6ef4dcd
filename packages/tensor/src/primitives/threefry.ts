/** threefry2x32 with 20 rounds: the counter-based bits under every random number. */

import { allocate } from "../memory.js";
import { broadcastStrides, broadcastShapes, sizeOf, type Shape } from "../shape.js";
import { gatherStrided } from "../cpu/strided.js";
import { bind } from "../transform/trace.js";
import { alignRanks } from "./elementwise.js";
import { aval, definePrimitive, type HostArray, type Primitive } from "./primitive.js";

/**
 * threefry(k0, k1, c0, c1) → [x0, x1]: the hash of a 64-bit counter under a 64-bit key, all uint32, broadcasting. Element i of the result
 * depends on element i of the operands alone, so shards, chunks and backends agree bit for bit.
 *
 * Source: Salmon et al., Parallel random numbers: as easy as 1, 2, 3 (2011).
 */
export const threefryPrimitive: Primitive<null> = /* @__PURE__ */ definePrimitive<null>({
  name: "threefry",
  shape: (inputs) => {
    const shape = inputs.map((x) => x.shape).reduce((a, b) => broadcastShapes(a, b, "threefry"));
    return [aval(shape, "uint32"), aval(shape, "uint32")];
  },
  batch: (inputs, batched) => bind(threefryPrimitive, alignRanks(inputs, batched), null),
  lower: (inputs, _params, [out]) => {
    const n = sizeOf(out.shape);
    const [k0, k1, c0, c1] = inputs.map((x) => spread(x, out.shape));
    const x0 = allocate("uint32", n);
    const x1 = allocate("uint32", n);
    const step = [k0, k1, c0, c1].map((a) => (a.length === 1 ? 0 : 1));
    for (let i = 0; i < n; i++) {
      threefry2x32(k0[i * step[0]], k1[i * step[1]], c0[i * step[2]], c1[i * step[3]]);
      x0[i] = hash[0];
      x1[i] = hash[1];
    }
    return [x0, x1];
  },
});

/** The operand as one element or as many as the result has. */
function spread(x: HostArray, shape: Shape): HostArray["buffer"] {
  if (x.buffer.length === 1 || x.buffer.length === sizeOf(shape)) return x.buffer;
  return gatherStrided(x.dtype, x.buffer, 0, broadcastStrides(x.shape, shape), shape);
}

/** Result of the last {@link threefry2x32}. */
export const hash: Uint32Array = /* @__PURE__ */ new Uint32Array(2);

/** Four mixing rounds with the rotations r0…r3. */
export function threefry2x32(k0: number, k1: number, c0: number, c1: number): void {
  const k2 = k0 ^ k1 ^ 0x1bd11bda;
  let x0 = (c0 + k0) | 0;
  let x1 = (c1 + k1) | 0;
  for (let g = 0; g < 5; g++) {
    if ((g & 1) === 0) {
      x0 = (x0 + x1) | 0;
      x1 = ((x1 << 13) | (x1 >>> 19)) ^ x0;
      x0 = (x0 + x1) | 0;
      x1 = ((x1 << 15) | (x1 >>> 17)) ^ x0;
      x0 = (x0 + x1) | 0;
      x1 = ((x1 << 26) | (x1 >>> 6)) ^ x0;
      x0 = (x0 + x1) | 0;
      x1 = ((x1 << 6) | (x1 >>> 26)) ^ x0;
    } else {
      x0 = (x0 + x1) | 0;
      x1 = ((x1 << 17) | (x1 >>> 15)) ^ x0;
      x0 = (x0 + x1) | 0;
      x1 = ((x1 << 29) | (x1 >>> 3)) ^ x0;
      x0 = (x0 + x1) | 0;
      x1 = ((x1 << 16) | (x1 >>> 16)) ^ x0;
      x0 = (x0 + x1) | 0;
      x1 = ((x1 << 24) | (x1 >>> 8)) ^ x0;
    }
    // Inject the key, rotated by the group, and the group's number.
    const a = g % 3 === 0 ? k1 : g % 3 === 1 ? k2 : k0;
    const b = g % 3 === 0 ? k2 : g % 3 === 1 ? k0 : k1;
    x0 = (x0 + a) | 0;
    x1 = (x1 + b + g + 1) | 0;
  }
  hash[0] = x0;
  hash[1] = x1;
}
