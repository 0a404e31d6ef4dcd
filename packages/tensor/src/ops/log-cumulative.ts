/** Running log-sum-exp, stable for any size of the terms. */

import { isFloat } from "../dtype.js";
import { DTypeError } from "../errors.js";
import { linearRecurrencePrimitive, type CumulativeParams } from "../primitives/cumulative.js";
import { normalizeAxis } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { customJvp } from "../transform/custom.js";
import { bind1 } from "../transform/trace.js";
import { cummax, shiftAlong, type CumulativeOptions } from "./cumulative.js";
import { where } from "./select.js";

/**
 * z_i = log Σ_{j ≤ i} e^(x_j) along an axis, without overflow and without the loss of small terms.
 */
export function logCumSumExp(x: Tensor, axis: number, { reverse = false }: CumulativeOptions = {}): Tensor {
  if (!isFloat(x.dtype)) throw new DTypeError(`logCumSumExp: x is ${x.dtype}; wants float32 or float64.`);
  const at: CumulativeParams = { axis: normalizeAxis(axis, x.rank, "logCumSumExp"), reverse };
  if (x.shape[at.axis] === 0) return x;
  return derived(at)(x);
}

/** ż = LR(exp(z_(i−1) − z_i), exp(x_i − z_i) ẋ_i): the weights of a running softmax, in [0, 1]. */
function derived(at: CumulativeParams): (x: Tensor) => Tensor {
  const f: (x: Tensor) => Tensor = customJvp(
    (x: Tensor) => value(x, at),
    ([x], [dx]) => {
      const z = f(x);
      const before = shiftAlong(z, at, -Infinity);
      return {
        value: z,
        tangent: bind1(linearRecurrencePrimitive, [weight(before, z), weight(x, z).mul(dx)], at),
      };
    },
  );
  return f;
}

/** e^(a − z), and 0 where a = −∞ (also if z = −∞). */
function weight(a: Tensor, z: Tensor): Tensor {
  const nothing = a.equal(-Infinity);
  return where(nothing, 0, where(nothing, 0, a.sub(z)).exp());
}

/** With m the running maximum: s_i = s_(i−1) e^(m_(i−1) − m_i) + e^(x_i − m_i), z = m + log s. */
function value(x: Tensor, at: CumulativeParams): Tensor {
  const m = cummax(x, at.axis, { reverse: at.reverse });
  const before = shiftAlong(m, at, -Infinity);
  const s = bind1(linearRecurrencePrimitive, [weight(before, m), weight(x, m)], at);
  return where(m.equal(-Infinity), -Infinity, where(m.equal(Infinity), Infinity, m.add(s.log())));
}
