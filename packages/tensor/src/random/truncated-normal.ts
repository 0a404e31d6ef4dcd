/** The normal distribution between two bounds. */

import type { FloatDType } from "../dtype.js";
import {
  erf,
  erfinv,
  expm1,
  isFinite,
  log1p,
  logicalOr,
  maximum,
  minimum,
  nextAfter,
  stopGradient,
} from "../ops/elementwise.js";
import { where } from "../ops/select.js";
import type { Tensor, TensorLike } from "../tensor.js";
import type { Key } from "./key.js";
import { millsRatio } from "./mills-ratio.js";
import { aboveMinusOne } from "./normal.js";
import { checkPair, notNaN, readParameters, type SampleOptions } from "./parameters.js";
import { onInterval, unitUniform } from "./uniform.js";

/** From this distance on the bounds lie in the tail, where erf is too close to ±1 to be inverted. */
const tail = 2;

/**
 * Standard normal, given that it lies in (lower, upper). For mean m and standard deviation s truncate at (lower − m)/s and (upper − m)/s,
 * multiply by s and add m. Differentiable in the bounds.
 *
 * Right however far out the bounds are: beyond ±2 the logarithm of the tail is inverted by Newton's method instead of erf.
 *
 * @param lower - May be −Infinity.
 * @param upper - May be Infinity.
 * @throws DomainError unless lower < upper.
 */
export function truncatedNormal(k: Key, lower: TensorLike, upper: TensorLike, options: SampleOptions = {}): Tensor {
  const bounds = { lower: [lower, notNaN], upper: [upper, notNaN] } as const;
  const { shape, dtype, values } = readParameters("truncatedNormal", k, options, bounds);
  const { lower: a, upper: b } = values;
  checkPair(
    b,
    a,
    "truncatedNormal",
    (high, low) => high > low,
    (high, low) => `upper ${high} must exceed lower ${low}`,
  );
  const u = unitUniform(k, shape, dtype);
  let x: Tensor;
  if (typeof lower === "number" && typeof upper === "number") {
    if (lower > tail) x = inTail(u, a, b);
    else if (upper < -tail) x = inTail(u, b.neg(), a.neg()).neg();
    else x = inBulk(u, a, b);
  } else {
    const right = a.greater(tail);
    const left = b.less(-tail);
    const far = logicalOr(left, right);
    // Each formula gets bounds that it can take; its result is used only where they are the real ones.
    const near = where(far, where(left, b.neg(), a), tail);
    const beyond = where(far, where(left, a.neg(), b), tail + 1);
    const fromTail = inTail(u, near, beyond);
    x = where(far, where(left, fromTail.neg(), fromTail), inBulk(u, where(far, -1, a), where(far, 1, b)));
  }
  // Rounding may have put it on a bound.
  const inside = maximum(x, nextAfter(stopGradient(a), Infinity));
  return minimum(inside, nextAfter(stopGradient(b), -Infinity));
}

/** √2 erf⁻¹ of a uniform number between erf(a/√2) and erf(b/√2). */
function inBulk(u: Tensor, a: Tensor, b: Tensor): Tensor {
  const end = -aboveMinusOne(u.dtype as FloatDType);
  const low = maximum(erf(a.mul(Math.SQRT1_2)), -end);
  const high = erf(b.mul(Math.SQRT1_2));
  return erfinv(minimum(onInterval(u, low, high), end)).mul(Math.SQRT2);
}

/**
 * a + t with log Q(a + t) − log Q(a) = log(1 − u (1 − Q(b)/Q(a))), for 2 ≤ a < b. With Q = R φ, R Mills' ratio, the left side is
 * log(R(a + t)/R(a)) − a t − t²/2, which does not cancel.
 */
function inTail(u: Tensor, a: Tensor, b: Tensor): Tensor {
  const ratio = millsRatio(a);
  const bounded = isFinite(b);
  const end = where(bounded, b, a.add(1));
  const logTail = millsRatio(end)
    .div(ratio)
    .log()
    .sub(end.sub(a).mul(a.add(end)).mul(0.5)); // log Q(b)/Q(a)
  const mass = where(bounded, expm1(logTail).neg(), 1);
  const target = log1p(u.mul(mass).neg());
  // As if R were constant: (a + t)² = a² − 2 target.
  let t = target.mul(-2).div(a.add(a.square().sub(target.mul(2)).sqrt()));
  // The residual is 1.2 at worst, then .012, 2e-6, 2e-13; the derivative is one step behind.
  const steps = u.dtype === "float32" ? 3 : 4;
  for (let step = 0; step < steps; step++) {
    const next = millsRatio(a.add(t));
    const residual = next
      .div(ratio)
      .log()
      .sub(t.mul(a.add(t.mul(0.5))))
      .sub(target);
    t = t.add(residual.mul(next)); // (log Q)′ = −1/R
  }
  return a.add(t);
}
