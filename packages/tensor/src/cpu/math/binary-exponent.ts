/**
 * Powers of two by table, and the exponent of a number: the two bit operations that every function here needs.
 *
 * A WebAssembly lowering builds 2^k from the bits of k and takes the mantissa with a mask. JavaScript has no cheap way
 * from an integer to the bits of a double (writing 32 of 64 bits and reading all 64 stalls the store buffer: 11.1 ns
 * instead of 7.5 for exp), so it multiplies by an entry of a table. All these products are exact: the bits agree.
 *
 * Each file that uses the table gives it a name of its own, `const pow2 = powersOfTwo`. An import is a variable to V8, a
 * constant of the same module is a constant: that saves 2 of 10 ns in exp.
 */

export const powerBias = 1075;

/** `powersOfTwo[k + powerBias]` = 2^k for −1075 ≤ k ≤ 1024; the ends are 0 and Infinity. */
export const powersOfTwo: Float64Array = /* @__PURE__ */ tablePowersOfTwo();

function tablePowersOfTwo(): Float64Array {
  const table = new Float64Array(2100);
  table[powerBias] = 1;
  for (let i = powerBias + 1; i < table.length; i++) table[i] = 2 * table[i - 1];
  for (let i = powerBias - 1; i >= 0; i--) table[i] = 0.5 * table[i + 1];
  return table;
}

// 128 bytes: V8 keeps buffers up to 64 bytes on its moving heap, where their address is not a constant.
const scratch: DataView = /* @__PURE__ */ new DataView(/* @__PURE__ */ new ArrayBuffer(128));

/** Bits 32…63 of x (sign, exponent, 20 bits of the mantissa), as a signed integer. */
export function highWord(x: number): number {
  scratch.setFloat64(0, x, true);
  return scratch.getInt32(4, true);
}

/** Whether x with this high word is not a positive normal number: zero, subnormal, negative, Infinity or NaN. */
export function isOutside(high: number): boolean {
  return (high - 0x00100000) >>> 0 >= 0x7fe00000;
}

/**
 * The k with x = 2^k·m and m in [√½, √2), nearly, from the high word of a positive normal x. The cut is at
 * 0x3FE6A09E_00000000 (float64) = 0x3F3504F0 (float32), the number just below √½ whose low bits are zero.
 */
export function exponentAboutOne(high: number): number {
  return (high - 0x3fe6a09e) >> 20;
}
