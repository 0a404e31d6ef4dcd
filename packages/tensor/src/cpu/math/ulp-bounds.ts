/**
 * Largest error of each function, in ulp of the result: what the tests demand and the documentation states.
 *
 * Measured by `scripts/ulp-report.py --points 3000` and, for float32, by a sweep over every 211th bit pattern; the bound is
 * a few per cent above. Whole range: subnormal numbers, overflow and the neighbourhood of every zero included.
 */

export interface UlpBound {
  readonly float64: number;
  readonly float32: number;
}

export const ulpBounds: Readonly<Record<string, UlpBound>> = {
  exp: { float64: 1.15, float32: 1.1 },
  exp2: { float64: 1.2, float32: 1.1 },
  expm1: { float64: 2.2, float32: 2.2 },
  log: { float64: 0.95, float32: 0.98 },
  log2: { float64: 1.7, float32: 1.8 },
  log10: { float64: 2.1, float32: 2.15 },
  log1p: { float64: 1, float32: 1 },
  // |x| ≤ 1e5 and 1e3; beyond, Math.sin and its kin (below 1 ulp in V8)
  sin: { float64: 2.45, float32: 2.1 },
  cos: { float64: 2.45, float32: 2.1 },
  tan: { float64: 1.75, float32: 1.75 },
  asin: { float64: 2.2, float32: 2.1 },
  acos: { float64: 1.25, float32: 1.25 },
  atan: { float64: 1.9, float32: 1.9 },
  atan2: { float64: 1.9, float32: 1.9 },
  sinh: { float64: 1.7, float32: 1.7 },
  cosh: { float64: 1.6, float32: 1.6 },
  tanh: { float64: 2.5, float32: 2.5 },
  asinh: { float64: 1.8, float32: 1.8 },
  acosh: { float64: 2.25, float32: 2.15 },
  atanh: { float64: 1.8, float32: 1.8 },
  logistic: { float64: 2.4, float32: 2.4 },
  softplus: { float64: 1.8, float32: 1.8 },
  erf: { float64: 1.45, float32: 2.1 },
  erfc: { float64: 2.3, float32: 2.4 },
  erfinv: { float64: 2.9, float32: 2.95 },
  // x > 0. For x < 0, where they cross 0 between the poles, in ulp of the terms that cancel: see the functions.
  lgamma: { float64: 7, float32: 0.51 },
  digamma: { float64: 4, float32: 0.51 },
  polygamma: { float64: 9, float32: 0.51 }, // n ≤ 5: about 1.5·(n + 1)
  cbrt: { float64: 0.52, float32: 1 },
  rsqrt: { float64: 1.52, float32: 1.52 },
  pow: { float64: 1.2, float32: 0.51 }, // Math.pow of V8: up to 520
};
