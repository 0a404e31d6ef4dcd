/** Functions as source text in the language of gpu.js: `let` of floats, `if`, loops with literal bounds, and functions of its backend. */

/** Name, parameters and body. The name starts with `c_`, as do those of the backend's functions (`c_exp`, `c_log`, `c_log1p`). */
export type SourceFunction = readonly [name: string, parameters: readonly string[], body: string];

/** A number, rounded to float32. */
export function literal(value: number): string {
  const x = Math.fround(value);
  const text = Number.isInteger(x) ? `${x}.0` : String(x);
  return x < 0 ? `(${text})` : text;
}

/** c₀ + c₁x + …, x being a name. */
export function polynomial(x: string, coefficients: readonly number[]): string {
  const texts = coefficients.map(literal);
  return texts.reduceRight((rest, c) => `${c} + ${x} * (${rest})`);
}
