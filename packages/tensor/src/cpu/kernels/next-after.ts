/** The neighbouring float in a direction, by a step of the bit pattern. */

const f32 = /* @__PURE__ */ new Float32Array(1);
const u32 = /* @__PURE__ */ new Uint32Array(f32.buffer);
const f64 = /* @__PURE__ */ new Float64Array(1);
const u64 = /* @__PURE__ */ new BigUint64Array(f64.buffer);

/** The float32 next to x in the direction of y. */
export function nextAfter32(x: number, y: number): number {
  if (x !== x || y !== y) return NaN;
  if (x === y) return y;
  if (x === 0) return y > 0 ? 2 ** -149 : -(2 ** -149);
  f32[0] = x;
  u32[0] += x < y === x > 0 ? 1 : -1;
  return f32[0];
}

/** The float64 next to x in the direction of y. */
export function nextAfter64(x: number, y: number): number {
  if (x !== x || y !== y) return NaN;
  if (x === y) return y;
  if (x === 0) return y > 0 ? 2 ** -1074 : -(2 ** -1074);
  f64[0] = x;
  u64[0] += x < y === x > 0 ? 1n : -1n;
  return f64[0];
}
