/** The modified Bessel functions themselves, where they fit into a float64. */

import { DomainError, exp, isTensor, logicalAnd, mod, round, tensor, where, type Tensor } from "@curv/tensor";
import { logIv, logIve, logKv, logKve } from "./modified-bessel.js";
import { broadcastOperands } from "./operands.js";

/** Options of {@link besselI} and {@link besselK}. */
export interface BesselOptions {
  /** I_v(x)e^(−x) and K_v(x)e^x instead, as SciPy's `ive` and `kve`. Default false. */
  readonly scaled?: boolean;
}

/**
 * I_v(x) for real v and x ≥ 0, as SciPy's `iv`: for negative orders by I_{−v} = I_v + (2/π)sin(πv)K_v. Differentiable in both.
 *
 * Overflows to Infinity from log I_v(x) ≈ 709 on, and vanishes below −745: {@link logIv} does not. As the exponential of a logarithm it has a
 * relative error of about 2e-16·max(2, |log I_v(x)|), so up to 2e-13 at the ends of the range; where the two terms for a negative order
 * cancel, of the larger one.
 *
 * @throws DomainError for numbers x < 0 or NaN. Elements of tensors give NaN.
 */
export function besselI(v: number, x: number, options?: BesselOptions): number;
export function besselI(v: number | Tensor, x: number | Tensor, options?: BesselOptions): Tensor;
export function besselI(
  v: number | Tensor,
  x: number | Tensor,
  { scaled = false }: BesselOptions = {},
): number | Tensor {
  if (!isTensor(v) && !isTensor(x)) {
    if (!(x >= 0) || v !== v) throw new DomainError(`besselI: v is ${v}, x is ${x}; wants numbers, x >= 0.`);
    return besselI(tensor(v, { dtype: "float64" }), tensor(x, { dtype: "float64" }), { scaled }).itemSync();
  }
  const [order, at] = broadcastOperands("besselI", { v, x });
  const negative = order.less(0);
  const size = where(negative, order.neg(), order);
  const plain = exp((scaled ? logIve : logIv)(size, at));
  if (!isTensor(v) && v >= 0) return plain;
  // sin πv = (−1)ⁿ sin π(v − n), exactly 0 at whole orders, where K may overflow.
  const nearest = round(size);
  const rest = size.sub(nearest);
  const sign = mod(nearest, 2).mul(-2).add(1);
  const k = exp(scaled ? logKve(size, at).sub(at.mul(2)) : logKv(size, at));
  const sine = rest.mul(Math.PI).sin().mul(sign);
  const reflected = where(logicalAnd(rest.equal(0), k.equal(Infinity)), 0, k.mul(sine)).mul(2 / Math.PI);
  return where(negative, plain.add(reflected), plain);
}

/**
 * K_v(x) for real v and x ≥ 0, as SciPy's `kv`; even in v. Range and error as of {@link besselI}. Differentiable in both.
 *
 * @throws DomainError for numbers x < 0 or NaN. Elements of tensors give NaN.
 */
export function besselK(v: number, x: number, options?: BesselOptions): number;
export function besselK(v: number | Tensor, x: number | Tensor, options?: BesselOptions): Tensor;
export function besselK(
  v: number | Tensor,
  x: number | Tensor,
  { scaled = false }: BesselOptions = {},
): number | Tensor {
  const log = scaled ? logKve : logKv;
  if (!isTensor(v) && !isTensor(x)) return Math.exp(log(v, x));
  return exp(log(...(broadcastOperands("besselK", { v, x }) as [Tensor, Tensor])));
}
