/** Inputs that look random and are the same for everybody. */

export type Precision = "float32" | "float64";

/** sin((k + 1 + seed)²), rounded to the precision. Not sin(k), whose matrices have rank 2. */
export function numbers(n: number, seed: number, precision: Precision): Float32Array | Float64Array {
  const out = precision === "float32" ? new Float32Array(n) : new Float64Array(n);
  for (let k = 0; k < n; k++) out[k] = Math.sin((k + 1 + seed) ** 2);
  return out;
}

/** An array of a peer in another process: its bytes, because a million decimal numbers take seconds to write and read. */
export interface Values {
  readonly shape: readonly number[];
  /** In NumPy's spelling. */
  readonly dtype: "<f4" | "<f8" | "<i4";
  readonly base64: string;
}

export function valuesOf(data: ArrayLike<number>, shape: readonly number[]): Values {
  const dtype = data instanceof Float32Array ? "<f4" : data instanceof Int32Array ? "<i4" : "<f8";
  const array = data instanceof Float32Array || data instanceof Int32Array ? data : Float64Array.from(data);
  return { shape, dtype, base64: Buffer.from(array.buffer, array.byteOffset, array.byteLength).toString("base64") };
}
