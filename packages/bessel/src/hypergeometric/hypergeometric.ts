/** Confluent hypergeometric functions, of numbers and of tensors. */

import { digamma, exp, isTensor, TracingError, type Tensor } from "@curv/tensor";
import {
  defineFamily,
  evaluate,
  notNegative,
  positive,
  probability,
  type Apply,
  type Domain,
} from "../special-function.js";
import { inverseKummerRatio } from "./inverse-ratio.js";
import { kummerMean, kummerMoment, kummerRatio, logKummer } from "./kummer.js";
import { limit, limitRatio, logLimit } from "./limit.js";

const anyNumber: Domain[string] = [(x) => x === x, "a number"];

/** ₀F₁, its logarithm and the derivative of that. */
const limitFamily: Apply<{ readonly of: "value" | "log" | "ratio" }> = /* @__PURE__ */ defineFamily({
  name: "hyp0f1",
  kernel: ({ of }) => ({ value: limit, log: logLimit, ratio: limitRatio })[of],
  partial: (params, i, [b, z], y) => {
    if (i === 0) throw new TracingError("hyp0f1: no derivative in b; hold it fixed with stopGradient(b), or pass a number.");
    const above = b.add(1);
    if (params.of === "value") return limitFamily(params, above, z).div(b);
    if (params.of === "log") return limitFamily({ of: "ratio" }, b, z);
    return limitFamily(params, above, z).sub(y).mul(y); // (f′/f)′ = f″/f − (f′/f)²
  },
}); // prettier-ignore

/**
 * ₀F₁(b; z) = Σz^k/((b)_k k!) for b > 0 and real z, as SciPy's `hyp0f1`: Γ(b)z^((1−b)/2)I_{b−1}(2√z).
 *
 * For z ≥ 0 relative error at most 1e-15·max(1, log ₀F₁); for z < 0, where it oscillates, 2e-14 of max(|₀F₁|, amplitude) for b ≤ 30.
 * Overflows to Infinity; {@link logHyp0f1} does not. Tensors broadcast. Differentiable in z to any order, not in b.
 *
 * @throws DomainError for numbers b ≤ 0, or NaN; elements of tensors give NaN.
 * @throws TracingError on a derivative in b.
 * @throws DTypeError, ShapeError.
 * Source: DLMF 10.16.9, 10.39.9.
 */
export function hyp0f1(b: number, z: number): number;
export function hyp0f1(b: number | Tensor, z: number | Tensor): Tensor;
export function hyp0f1(b: number | Tensor, z: number | Tensor): number | Tensor {
  return evaluate("hyp0f1", { b, z }, { b: positive, z: anyNumber }, limit, (p, t) => limitFamily({ of: "value" }, p, t));
} // prettier-ignore

/**
 * log ₀F₁(b; z) for b > 0 and z ≥ 0: without overflow, and right where it is small, as for large b. Relative error at most 1e-15.
 *
 * With b = p/2 and z = κ²/4 this is the logarithm of the normaliser of a von Mises–Fisher distribution relative to the uniform one. Its
 * derivative in z is 1/(b + z/(b + 1 + …)), to full precision; the second one loses about log₁₀√z digits for large z. As {@link hyp0f1}.
 *
 * @throws DomainError for numbers b ≤ 0 or z < 0.
 */
export function logHyp0f1(b: number, z: number): number;
export function logHyp0f1(b: number | Tensor, z: number | Tensor): Tensor;
export function logHyp0f1(b: number | Tensor, z: number | Tensor): number | Tensor {
  return evaluate("logHyp0f1", { b, z }, { b: positive, z: notNegative }, logLimit, (p, t) => limitFamily({ of: "log" }, p, t));
} // prettier-ignore

interface KummerParams {
  /** The logarithm; the mean of one of t, log t, log(1 − t); or a central moment of the three. */
  readonly of: "log" | "mean" | "moment";
  /** For a mean 1 at its variable; for a moment the powers. */
  readonly powers: readonly [number, number, number];
}

const one = (i: number): [number, number, number] => [i === 0 ? 1 : 0, i === 1 ? 1 : 0, i === 2 ? 1 : 0];

/** log ₁F₁(α; α + β; x), operands α, β, x, and with it the moments of the tilted beta distribution, which are closed under derivatives. */
const kummerFamily: Apply<KummerParams> = /* @__PURE__ */ defineFamily<KummerParams>({
  name: "logHyp1f1",
  kernel: ({ of, powers }) => {
    if (of === "log") return logKummer;
    if (of === "mean") return (a, b, x) => kummerMean(powers.indexOf(1) as 0 | 1 | 2, a, b, x);
    return (a, b, x) => kummerMoment(powers, a, b, x);
  },
  partial: ({ of, powers }, i, operands) => {
    const [alpha, beta] = operands;
    const variable = i === 2 ? 0 : i + 1; // whose expectation the operand moves: log t, log(1 − t), t
    const moment = (p: readonly number[]): Tensor | null => {
      const order = p[0] + p[1] + p[2];
      return order === 1 ? null : kummerFamily({ of: "moment", powers: [p[0], p[1], p[2]] }, ...operands);
    };
    const plus = (p: readonly number[], c: number, by = 1): number[] => p.map((n, k) => (k === c ? n + by : n));
    if (of === "log") {
      const mean = kummerFamily({ of: "mean", powers: one(variable) }, ...operands);
      if (i === 2) return mean;
      return mean.add(digamma(alpha.add(beta))).sub(digamma(i === 0 ? alpha : beta)); // less that of the beta distribution
    }
    const up = moment(plus(powers, variable))!;
    if (of === "mean") return up;
    // The means that are subtracted move too: Cov(variable, c) each.
    return powers.reduce((sum, n, c) => {
      const rest = n === 0 ? null : moment(plus(powers, c, -1));
      return rest === null
        ? sum
        : sum.sub(
            moment(plus(one(variable), c))!
              .mul(rest)
              .mul(n),
          );
    }, up);
  },
});

function logOf(name: string, a: number | Tensor, b: number | Tensor, x: number | Tensor): number | Tensor {
  const below: Domain[string] =
    typeof a === "number" && typeof b === "number" ? [(t) => t > a, `a number > a = ${a}`] : positive;
  return evaluate(name, { a, b, x }, { a: positive, b: below, x: anyNumber }, (p, q, t) => logKummer(p, q - p, t), (p, q, t) => kummerFamily({ of: "log", powers: [0, 0, 0] }, p, q.sub(p), t));
} // prettier-ignore

/**
 * log ₁F₁(a; b; x), Kummer's function M(a, b, x) = Σ(a)_k x^k/((b)_k k!), for 0 < a < b and real x: there it is positive, and the
 * normaliser of e^{xt}t^{a−1}(1 − t)^{b−a−1} relative to the beta distribution; with a = ½, b = p/2 that of a Watson distribution.
 *
 * No overflow, and b to 5·10⁴ and beyond; error at most 1e-14 of max(1, |value|). Tensors broadcast.
 * Differentiable in x, a and b to any order: the derivative in x is the mean of that distribution, the second its variance, without
 * cancellation; derivatives in a and b are right to about 1e-14 in absolute terms. For a or b − a below 10⁻³ the power series alone is
 * left: NaN where it does not reach, that is, for the derivatives in a and b and for |x| from about 600 on.
 *
 * @throws DomainError for numbers outside 0 < a < b, or NaN; elements of tensors give NaN.
 * @throws DTypeError, ShapeError.
 * Source: DLMF 13.2.2, 13.2.39, 13.4.1; the integral by the trapezoid rule on the real line (Trefethen & Weideman 2014).
 */
export function logHyp1f1(a: number, b: number, x: number): number;
export function logHyp1f1(a: number | Tensor, b: number | Tensor, x: number | Tensor): Tensor;
export function logHyp1f1(a: number | Tensor, b: number | Tensor, x: number | Tensor): number | Tensor {
  return logOf("logHyp1f1", a, b, x);
}

/** ₁F₁(a; b; x) for 0 < a < b, as SciPy's `hyp1f1`: the exponential of {@link logHyp1f1}, so it may overflow, and vanish. */
export function hyp1f1(a: number, b: number, x: number): number;
export function hyp1f1(a: number | Tensor, b: number | Tensor, x: number | Tensor): Tensor;
export function hyp1f1(a: number | Tensor, b: number | Tensor, x: number | Tensor): number | Tensor {
  const log = logOf("hyp1f1", a, b, x);
  return isTensor(log) ? exp(log) : Math.exp(log);
}

/**
 * ∂/∂x log ₁F₁(a; b; x) = (a/b)₁F₁(a + 1; b + 1; x)/₁F₁(a; b; x), in (0, 1), for 0 < a < b: relative error at most 8e-15. As
 * {@link logHyp1f1}.
 */
export function hyp1f1Ratio(a: number, b: number, x: number): number;
export function hyp1f1Ratio(a: number | Tensor, b: number | Tensor, x: number | Tensor): Tensor;
export function hyp1f1Ratio(a: number | Tensor, b: number | Tensor, x: number | Tensor): number | Tensor {
  const below: Domain[string] =
    typeof a === "number" && typeof b === "number" ? [(t) => t > a, `a number > a = ${a}`] : positive;
  return evaluate("hyp1f1Ratio", { a, b, x }, { a: positive, b: below, x: anyNumber }, (p, q, t) => kummerRatio(p, q - p, t), (p, q, t) => kummerFamily({ of: "mean", powers: one(0) }, p, q.sub(p), t));
} // prettier-ignore

/** Operands α, β, r: dr = variance·dx + covariances of t with log t and log(1 − t). */
const inverseFamily: Apply<Record<string, never>> = /* @__PURE__ */ defineFamily<Record<string, never>>({
  name: "inverseHyp1f1Ratio",
  kernel: () => (alpha, beta, r) => inverseKummerRatio(alpha, beta, r).x,
  partial: (_params, i, [alpha, beta], x) => {
    const moment = (powers: [number, number, number]): Tensor => kummerFamily({ of: "moment", powers }, alpha, beta, x);
    const variance = moment([2, 0, 0]);
    if (i === 2) return variance.reciprocal();
    return moment(i === 0 ? [1, 1, 0] : [1, 0, 1]).neg().div(variance); // prettier-ignore
  },
});

/**
 * x with {@link hyp1f1Ratio}(a, b, x) = r, for 0 < a < b and 0 ≤ r ≤ 1 (−Infinity at 0, Infinity at 1): with a = ½, b = p/2 the concentration of
 * a Watson distribution in ℝᵖ whose axis has the mean square r.
 *
 * The ratio at the result is r to a few ulp. Tensors broadcast. Differentiable in all to any order.
 *
 * @throws DomainError for numbers outside the domain, or NaN; elements of tensors give NaN.
 * @throws DTypeError, ShapeError.
 * Source: Sra & Karp, The multivariate Watson distribution (2013), for the start; Newton's method from there.
 */
export function inverseHyp1f1Ratio(a: number, b: number, r: number): number;
export function inverseHyp1f1Ratio(a: number | Tensor, b: number | Tensor, r: number | Tensor): Tensor;
export function inverseHyp1f1Ratio(a: number | Tensor, b: number | Tensor, r: number | Tensor): number | Tensor {
  const below: Domain[string] =
    typeof a === "number" && typeof b === "number" ? [(t) => t > a, `a number > a = ${a}`] : positive;
  return evaluate("inverseHyp1f1Ratio", { a, b, r }, { a: positive, b: below, r: probability }, (p, q, t) => inverseKummerRatio(p, q - p, t).x, (p, q, t) => inverseFamily({}, p, q.sub(p), t));
} // prettier-ignore
