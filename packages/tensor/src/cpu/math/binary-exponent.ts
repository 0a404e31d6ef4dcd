/**
 * Powers of two by table, and the exponent of a number: the two bit operations that every function here needs.
 *
 * A WebAssembly lowering builds 2^k from the bits of k and takes the mantissa with a mask. JavaScript has no cheap way
 * from an integer to the bits of a double (writing 32 of 64 bits and reading all 64 stalls the store buffer: 11.1 ns
 * instead of 7.5 for exp), so it multiplies by an entry of a table. All these products are exact: the bits agree.
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

// 128 bytes: V8 keeps typed arrays up to 64 bytes on its moving heap, where their address is not a constant.
const scratch: Float64Array = /* @__PURE__ */ new Float64Array(16);
const scratchWords: Int32Array = /* @__PURE__ */ new Int32Array(scratch.buffer);
// The word that holds sign and exponent: the second one, except on a big-endian machine.
const high: number = /* @__PURE__ */ highWordIndex();

function highWordIndex(): number {
  return new Uint8Array(new Uint16Array([1]).buffer)[0] === 1 ? 1 : 0;
}

/** Bits 32…63 of x, as a signed integer. */
export function highWord(x: number): number {
  scratch[0] = x;
  return scratchWords[high];
}

/**
 * The k with x = 2^k·m and m in [√½, √2), nearly: the cut is at 0x3FE6A09E_00000000 (float64) = 0x3F3504F0 (float32),
 * the doubles below √½ whose low bits are zero. For normal positive x; float32 subnormals are normal here.
 */
export function exponentAboutOne(x: number): number {
  return (highWord(x) - 0x3fe6a09e) >> 20;
}
