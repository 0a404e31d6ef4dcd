/** Functions as source text in the language of gpu.js: `let` of floats, `if`, loops with literal bounds, and functions of its backend. */

/** Name, parameters and body. The name starts with `c_`, as do those of the backend's functions (`c_exp`, `c_log`, `c_log1p`). */
export type SourceFunction = readonly [name: string, parameters: readonly string[], body: string];

/** The floats of a text: how they are written, and what they hold. */
export interface Precision {
  readonly dtype: "float32" | "float64";
  /** The largest finite number. */
  readonly largest: string;
  /** A number below whose square, and one below whose quotient by a small number, nothing overflows. */
  readonly square: string;
  readonly quotient: string;
  /** A number, rounded. */
  literal(value: number): string;
  /** c₀ + c₁x + …, x being a name. */
  polynomial(x: string, coefficients: readonly number[]): string;
}

function precision(
  dtype: Precision["dtype"],
  round: (x: number) => number,
  largest: string,
  square: string,
  quotient: string,
): Precision {
  const literal = (value: number): string => {
    const x = round(value);
    const digits = String(x);
    const text = /[.e]/.test(digits) ? digits : `${digits}.0`;
    return x < 0 ? `(${text})` : text;
  };
  const polynomial = (x: string, coefficients: readonly number[]): string =>
    coefficients.map(literal).reduceRight((rest, c) => `${c} + ${x} * (${rest})`);
  return { dtype, largest, square, quotient, literal, polynomial };
}

export const single: Precision = /* @__PURE__ */ precision(
  "float32",
  Math.fround,
  "3.4028234663852886e38",
  "1e18",
  "1e37",
);
/** For CUDA, which has `while`, `else if` and `c_fma` besides. */
export const double: Precision = /* @__PURE__ */ precision(
  "float64",
  (x) => x,
  "1.7976931348623157e308",
  "1e150",
  "1e300",
);
