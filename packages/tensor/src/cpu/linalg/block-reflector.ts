/** Products of reflectors in compact form, H₀H₁…H_{k−1} = I − VᵀTV, so that they are applied by matrix products. */

import { multiplyAdd } from "./multiply.js";
import { doubles, giveBack } from "./work-space.js";

/** How many reflectors are gathered before they are applied; of 8, 16 and 32 the best over orders from 10 to 400. */
export const REFLECTOR_BLOCK = 16;

/**
 * The upper triangular T with H₀H₁…H_{k−1} = I − VᵀTV, H_i = I − τ_i v_iᵀv_i.
 *
 * By induction: multiplying I − VᵀTV by H_k on the right appends to T the column (−τ_k T V v_kᵀ, τ_k).
 *
 * @param v - V of [k, length]: the vectors as rows, zeros and ones written out.
 * @param t - Receives T at `to`, [k, k] row-major; the strict lower triangle is zeroed.
 * Source: Schreiber & Van Loan (1989).
 */
export function compactFactor(
  v: Float64Array,
  k: number,
  length: number,
  tau: Float64Array,
  tauOffset: number,
  t: Float64Array,
  to: number,
): void {
  const products = doubles(k * k);
  multiplyAdd(k, k, length, 1, v, 0, length, 1, v, 0, 1, length, products, 0, k);
  for (let i = 0; i < k; i++) {
    const scale = tau[tauOffset + i];
    for (let j = 0; j < i; j++) {
      t[to + j * k + i] = -scale * products[j * k + i];
      t[to + i * k + j] = 0;
    }
    // In place: entry j of T·w needs w_j, w_{j+1}, …, which are still there when j ascends.
    for (let j = 0; j < i; j++) {
      let sum = 0;
      for (let l = j; l < i; l++) sum += t[to + j * k + l] * t[to + l * k + i];
      t[to + j * k + i] = sum;
    }
    t[to + i * k + i] = scale;
  }
  giveBack(products);
}

/**
 * C ← (I − VᵀTV)C, or with Tᵀ (the inverse product), for C of [length, columns] at c[co + i·cr + j].
 *
 * Three matrix products: W = VC, then TW, then C − Vᵀ(TW).
 */
export function applyBlockReflector(
  v: Float64Array,
  k: number,
  length: number,
  t: Float64Array,
  to: number,
  transpose: boolean,
  c: Float64Array,
  co: number,
  cr: number,
  columns: number,
): void {
  if (k === 0 || columns === 0) return;
  const w = doubles(2 * k * columns);
  multiplyAdd(k, columns, length, 1, v, 0, length, 1, c, co, cr, 1, w, 0, columns);
  const half = k * columns;
  multiplyAdd(k, columns, k, 1, t, to, transpose ? 1 : k, transpose ? k : 1, w, 0, columns, 1, w, half, columns);
  multiplyAdd(length, columns, k, -1, v, 0, 1, length, w, half, columns, 1, c, co, cr);
  giveBack(w);
}
