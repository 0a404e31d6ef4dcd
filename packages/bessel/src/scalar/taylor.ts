/**
 * Arithmetic of truncated Taylor series: a[k] is the coefficient of δᵏ, k = 0…n. An expression evaluated in it, with the variable v + δ in
 * the place of v, gives its derivatives in v: n of them, a[k] = f⁽ᵏ⁾(v)/k!, without differences.
 *
 * Source: Griewank & Walther, Evaluating derivatives (2008), chapter 13.
 */

export type Taylor = Float64Array;

/** c + slope·δ. */
export function affine(n: number, c: number, slope: number): Taylor {
  const out = new Float64Array(n + 1);
  out[0] = c;
  if (n > 0) out[1] = slope;
  return out;
}

export function sum(a: Taylor, b: Taylor): Taylor {
  return a.map((t, k) => t + b[k]);
}

export function difference(a: Taylor, b: Taylor): Taylor {
  return a.map((t, k) => t - b[k]);
}

export function scaled(a: Taylor, factor: number): Taylor {
  return a.map((t) => t * factor);
}

/** a ← a·b + c, of numbers c: a step of Horner's rule. */
export function multiplyInto(a: Taylor, b: Taylor, c = 0): void {
  for (let k = a.length - 1; k >= 0; k--) {
    let t = 0;
    for (let j = 0; j <= k; j++) t += a[j] * b[k - j];
    a[k] = t;
  }
  a[0] += c;
}

export function product(a: Taylor, b: Taylor): Taylor {
  const out = a.slice();
  multiplyInto(out, b);
  return out;
}

export function quotient(a: Taylor, b: Taylor): Taylor {
  const out = new Float64Array(a.length);
  for (let k = 0; k < a.length; k++) {
    let t = a[k];
    for (let j = 0; j < k; j++) t -= out[j] * b[k - j];
    out[k] = t / b[0];
  }
  return out;
}

export function squareRoot(a: Taylor): Taylor {
  const out = new Float64Array(a.length);
  out[0] = Math.sqrt(a[0]);
  for (let k = 1; k < a.length; k++) {
    let t = a[k];
    for (let j = 1; j < k; j++) t -= out[j] * out[k - j];
    out[k] = t / (2 * out[0]);
  }
  return out;
}

/** log(1 + a): k·l_k = (k·a_k − Σ_{0<j<k} j·l_j·a_{k−j})/(1 + a_0). */
export function log1p(a: Taylor): Taylor {
  const out = new Float64Array(a.length);
  out[0] = Math.log1p(a[0]);
  for (let k = 1; k < a.length; k++) {
    let t = k * a[k];
    for (let j = 1; j < k; j++) t -= j * out[j] * a[k - j];
    out[k] = t / (k * (1 + a[0]));
  }
  return out;
}

/** log a. */
export function log(a: Taylor): Taylor {
  const out = log1p(scaled(a, 1 / a[0]).map((t, k) => (k === 0 ? 0 : t)));
  out[0] = Math.log(a[0]);
  return out;
}

/** e^a: k·e_k = Σ_{0<j≤k} j·a_j·e_{k−j}. */
export function exponential(a: Taylor): Taylor {
  const out = new Float64Array(a.length);
  out[0] = Math.exp(a[0]);
  for (let k = 1; k < a.length; k++) {
    let t = 0;
    for (let j = 1; j <= k; j++) t += j * a[j] * out[k - j];
    out[k] = t / k;
  }
  return out;
}

/** ∫ a dδ from 0, to the same order. */
export function integral(a: Taylor): Taylor {
  return a.map((_, k) => (k === 0 ? 0 : a[k - 1] / k));
}

/** The n-th derivative: n!·a[n], for δ in units of `unit`. */
export function derivative(a: Taylor, unit = 1): number {
  let out = a[a.length - 1];
  for (let k = 1; k < a.length; k++) out *= k / unit;
  return out;
}
