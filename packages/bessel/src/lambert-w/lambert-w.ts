/** Lambert's W: the inverse of w·e^w. */

import { exp, type Tensor } from "@curv/tensor";
import { requireOptions } from "../operands.js";
import { requireOneOf } from "../options.js";
import { defineFamily, evaluate, type Apply, type Domain } from "../special-function.js";

/** Options of {@link lambertW}. */
export interface LambertWOptions {
  /** 0 (default), with W ≥ −1, for x ≥ −1/e; or −1, with W ≤ −1, for −1/e ≤ x < 0. */
  readonly branch?: 0 | -1;
}

/** −1/e as a number, and the rest: −1/e = least + rest. The number itself counts as the branch point. */
const least = -0.36787944117144233;
const rest = 1.2428753672788363e-17;

/**
 * W near its branch point: the coefficients of −1 + p − p²/3 + 11p³/72 − …, p = ±√(2(ex + 1)); the series converges for |p| < √2.
 *
 * Source: Corless et al., On the Lambert W function (1996), equations 4.22–4.24.
 */
const aboutBranchPoint: readonly number[] = /* @__PURE__ */ (() => {
  const mu = [-1, 1];
  const alpha = [2, -1];
  for (let k = 2; k < 24; k++) {
    alpha[k] = 0;
    for (let j = 2; j < k; j++) alpha[k] += mu[j] * mu[k + 1 - j];
    mu[k] = ((k - 1) / (k + 1)) * (mu[k - 2] / 2 + alpha[k - 2] / 4) - alpha[k] / 2 - mu[k - 1] / (k + 1);
  }
  return mu;
})();

export function lambertWOfNumber(x: number, branch: 0 | -1): number {
  if (x === 0) return branch === 0 ? x : -Infinity;
  if (x === Infinity && branch === 0) return x;
  if (!(x >= least) || (branch === -1 && x > 0)) return NaN;
  const square = 2 * Math.E * (x - least - rest); // p²; x − least is exact near the branch point
  const p = (branch === 0 ? 1 : -1) * Math.sqrt(Math.max(0, square));
  let series = 0;
  for (let k = aboutBranchPoint.length - 1; k >= 0; k--) series = series * p + aboutBranchPoint[k];
  if (Math.abs(p) < 0.3) return series;
  return fritsch(Math.abs(p) < 1 ? series : branch === 0 && x < 3 ? middle(x) : farOut(x), x);
}

/** Within a few percent of W₀ for x from 0 to 3. */
function middle(x: number): number {
  const l = Math.log1p(x);
  return l * (1 - Math.log1p(l) / (2 + l));
}

/** Either branch for large |log |x||: log x − log log x + …, and its mirror image. */
function farOut(x: number): number {
  const l = Math.log(Math.abs(x));
  const m = Math.log(Math.abs(l));
  return l - m + m / l;
}

/**
 * Fritsch's iteration on w + log w = log x, of fourth order: two steps suffice from 2 digits.
 *
 * Source: Fritsch, Shafer & Crowley, Algorithm 443 (1973).
 */
function fritsch(start: number, x: number): number {
  let w = start;
  for (let i = 0; i < 4; i++) {
    const ratio = x / w;
    // log(x/w) − w without cancellation where w is close to its value
    const z = ratio > 0 && ratio < Infinity && ratio > 1e-300 ? Math.log(ratio) - w : Math.log(-x) - Math.log(-w) - w;
    const q = 2 * (1 + w) * (1 + w + (2 / 3) * z);
    const e = (z / (1 + w)) * ((q - z) / (q - 2 * z));
    w += w * e;
    if (Math.abs(e) < 1e-5) break; // the next would be below 1e-20
  }
  return w;
}

const family: Apply<{ readonly branch: 0 | -1 }> = /* @__PURE__ */ defineFamily({
  name: "lambertW",
  kernel:
    ({ branch }) =>
    (x) =>
      lambertWOfNumber(x, branch),
  partial: (_params, _i, _operands, w) => exp(w.neg()).div(w.add(1)), // 1/(e^w(1 + w))
});

/**
 * Lambert's W(x): the w with w·e^w = x. For x > 0 there is one; for −1/e ≤ x < 0 there are two, see {@link LambertWOptions}.
 *
 * Relative error at most 4e-16; for W between −1 and −½, of 1 + |W|. Differentiable to any order; the derivative is infinite at −1/e.
 *
 * @throws DomainError for a branch that is none, and for a number outside the branch; elements of tensors give NaN.
 * @throws DTypeError for tensors that are not float32 or float64.
 * Source: Corless, Gonnet, Hare, Jeffrey & Knuth, On the Lambert W function (1996).
 */
export function lambertW(x: number, options?: LambertWOptions): number;
export function lambertW(x: Tensor, options?: LambertWOptions): Tensor;
export function lambertW(x: number | Tensor, options: LambertWOptions = {}): number | Tensor {
  requireOptions("lambertW", options);
  const { branch = 0 } = options;
  requireOneOf("lambertW", "branch", branch, [0, -1]);
  const domain: Domain[string] =
    branch === 0
      ? [(t) => t >= least, "a number >= -1/e for branch 0"]
      : [(t) => t >= least && t <= 0, "a number in [-1/e, 0] for branch -1"];
  return evaluate("lambertW", { x }, { x: domain }, (t) => lambertWOfNumber(t, branch), (t) => family({ branch }, t)); // prettier-ignore
}
