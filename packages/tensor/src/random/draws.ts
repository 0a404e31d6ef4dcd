/** Single numbers drawn inside a kernel, for samplers whose number of draws no array knows beforehand. */

import { erfinv32, erfinv64 } from "../cpu/math/index.js";
import type { FloatDType } from "../dtype.js";
import { hash, threefry2x32 } from "../primitives/threefry.js";
import { aboveMinusOne } from "./normal.js";

const sqrtTwo32 = /* @__PURE__ */ Math.fround(Math.SQRT2);

/** Element `index` of `uniform` on [0, 1) under the key (k0, k1). */
export function uniformAt(k0: number, k1: number, index: number, dtype: FloatDType): number {
  threefry2x32(k0, k1, 0, index);
  if (dtype === "float32") return ((hash[0] ^ hash[1]) >>> 9) * 2 ** -23;
  return (hash[0] * 2 ** 20 + (hash[1] >>> 12)) * 2 ** -52;
}

/** The scalar `normal` under the key (k0, k1). */
export function normalAt(k0: number, k1: number, dtype: FloatDType): number {
  const low = aboveMinusOne(dtype);
  const u = 2 * uniformAt(k0, k1, 0, dtype) + low; // 1 − low rounds to 2
  return dtype === "float32" ? Math.fround(sqrtTwo32 * erfinv32(Math.fround(u))) : Math.SQRT2 * erfinv64(u);
}

/**
 * Keys for the rounds of a rejection loop that all elements of an array run together: each round splits the key into one for the
 * rounds that follow and some for its own draws. Made as far as any element needs them.
 */
export class RoundKeys {
  private readonly words: number[] = [];

  /**
   * @param subkeys - Which parts of a split key a round draws from.
   * @param rest - Which part the next round splits.
   */
  constructor(
    private k0: number,
    private k1: number,
    private readonly subkeys: readonly number[],
    private readonly rest: number,
  ) {}

  /** Element `index` of the uniform array of draw number `draw` in `round`. */
  uniform(round: number, draw: number, index: number, dtype: FloatDType): number {
    const at = 2 * (round * this.subkeys.length + draw);
    while (this.words.length <= at) this.split();
    return uniformAt(this.words[at], this.words[at + 1], index, dtype);
  }

  private split(): void {
    const { k0, k1 } = this;
    for (const part of this.subkeys) {
      threefry2x32(k0, k1, 0, part);
      this.words.push(hash[0], hash[1]);
    }
    threefry2x32(k0, k1, 0, this.rest);
    this.k0 = hash[0];
    this.k1 = hash[1];
  }
}
