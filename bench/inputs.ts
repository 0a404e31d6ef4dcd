/** Inputs that look random and are the same for everybody. */

export type Precision = "float32" | "float64";

/** sin((k + 1 + seed)²), rounded to the precision. Not sin(k), whose matrices have rank 2. */
export function numbers(n: number, seed: number, precision: Precision): Float32Array | Float64Array {
  const out = precision === "float32" ? new Float32Array(n) : new Float64Array(n);
  for (let k = 0; k < n; k++) out[k] = Math.sin((k + 1 + seed) ** 2);
  return out;
}

/** An array of a peer in another process. */
export interface Values {
  readonly shape: readonly number[];
  readonly values: readonly number[];
}

export function valuesOf(data: ArrayLike<number>, shape: readonly number[]): Values {
  return { shape, values: Array.from(data) };
}
