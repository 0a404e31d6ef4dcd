/** Spherical Bessel functions, of numbers and of tensors. */

import { DomainError, sign, type Tensor } from "@curv/tensor";
import type { BesselOptions } from "../values.js";
import { requireOptions } from "../operands.js";
import { defineFamily, evaluate, notNegative, type Apply, type Domain } from "../special-function.js";
import { sphericalI, sphericalJ, sphericalK, sphericalY } from "./scalar.js";

interface Params {
  readonly of: "j" | "y" | "i" | "k";
  readonly n: number;
  readonly scaled: boolean;
}

function kernel({ of, n, scaled }: Params): (x: number) => number {
  switch (of) {
    case "j":
      return (x) => sphericalJ(n, x);
    case "y":
      return (x) => sphericalY(n, x);
    case "i":
      return (x) => sphericalI(n, x, scaled);
    case "k":
      return (x) => sphericalK(n, x, scaled);
  }
}

const family: Apply<Params> = /* @__PURE__ */ defineFamily<Params>({
  name: "sphericalBessel",
  kernel,
  // (2n + 1)f_n′ = n·f_{n−1} ∓ (n + 1)f_{n+1} (DLMF 10.51.2, 10.51.5): no division by x.
  partial: (params, _i, [x], y) => {
    const { of, n, scaled } = params;
    const above = family({ ...params, n: n + 1 }, x).mul((of === "i" ? 1 : -1) * ((n + 1) / (2 * n + 1)));
    const below = n === 0 ? null : family({ ...params, n: n - 1 }, x).mul(((of === "k" ? -1 : 1) * n) / (2 * n + 1));
    const slope = below === null ? above : above.add(below);
    if (!scaled) return slope;
    return of === "i" ? slope.sub(y.mul(sign(x))) : slope.add(y);
  },
});

function call(
  name: string,
  of: Params["of"],
  n: number,
  x: number | Tensor,
  domain: Domain[string],
  options?: BesselOptions,
): number | Tensor {
  requireOptions(name, options, "scaled");
  const { scaled = false } = options ?? {};
  if (!(Number.isInteger(n) && n >= 0)) throw new DomainError(`${name}: n is ${String(n)}; wants an integer >= 0.`);
  const params = { of, n, scaled };
  return evaluate(name, { x }, { x: domain }, kernel(params), (t) => family(params, t));
}

const any: Domain[string] = [(x) => x === x, "a number"];

/**
 * The spherical Bessel function j_n(x) = √(π/2x)J_{n+½}(x), as SciPy's `spherical_jn`: j₀ = sin x/x.
 *
 * Error at most 3e-15·max(1, |log j_n|/4): relative for |x| < n, of the modulus √(j² + y²) beyond. For n > 500 as that of `besselJ`.
 * Differentiable to any order, at 0 too.
 *
 * @param n - The order, an integer ≥ 0.
 * @throws DomainError for another n, and for a number x that is NaN.
 * @throws DTypeError for tensors that are not float32 or float64.
 * Source: DLMF 10.47–10.53.
 */
export function sphericalBesselJ(n: number, x: number): number;
export function sphericalBesselJ(n: number, x: Tensor): Tensor;
export function sphericalBesselJ(n: number, x: number | Tensor): number | Tensor {
  return call("sphericalBesselJ", "j", n, x, any);
}

/**
 * y_n(x) = √(π/2x)Y_{n+½}(x), as SciPy's `spherical_yn`: −Infinity at 0 and where it overflows.
 * Error at most 7e-15. As {@link sphericalBesselJ}.
 */
export function sphericalBesselY(n: number, x: number): number;
export function sphericalBesselY(n: number, x: Tensor): Tensor;
export function sphericalBesselY(n: number, x: number | Tensor): number | Tensor {
  return call("sphericalBesselY", "y", n, x, any);
}

/**
 * The modified i_n(x) = √(π/2x)I_{n+½}(x), as SciPy's `spherical_in`: i₀ = sinh x/x. Infinity where it overflows.
 *
 * Relative error at most 5e-15, tiny arguments included. As {@link sphericalBesselJ}.
 *
 * @param options - `scaled`: i_n(x)e^(−|x|) instead.
 */
export function sphericalBesselI(n: number, x: number, options?: BesselOptions): number;
export function sphericalBesselI(n: number, x: Tensor, options?: BesselOptions): Tensor;
export function sphericalBesselI(n: number, x: number | Tensor, options?: BesselOptions): number | Tensor {
  return call("sphericalBesselI", "i", n, x, any, options);
}

/**
 * The modified k_n(x) = √(π/2x)K_{n+½}(x), x ≥ 0, as SciPy's `spherical_kn`: k₀ = (π/2)e^(−x)/x. Infinity at 0 and where it overflows.
 *
 * Relative error at most 3e-15. As {@link sphericalBesselJ}.
 *
 * @param options - `scaled`: k_n(x)e^x instead.
 * @throws DomainError for a number x < 0 or NaN; elements of tensors give NaN.
 */
export function sphericalBesselK(n: number, x: number, options?: BesselOptions): number;
export function sphericalBesselK(n: number, x: Tensor, options?: BesselOptions): Tensor;
export function sphericalBesselK(n: number, x: number | Tensor, options?: BesselOptions): number | Tensor {
  return call("sphericalBesselK", "k", n, x, notNegative, options);
}
