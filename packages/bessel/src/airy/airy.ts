/** Airy functions, of numbers and of tensors. */

import { where, type Tensor } from "@curv/tensor";
import { requireOptions } from "../operands.js";
import { defineFamily, evaluate, type Apply } from "../special-function.js";
import { airy, type AiryName } from "./scalar.js";

/** Options of the Airy functions. */
export interface AiryOptions {
  /**
   * Times e^ζ for Ai and Ai′, e^(−ζ) for Bi and Bi′, with ζ = ⅔x^(3/2) for x > 0 and 0 for x ≤ 0. Default false. Second derivatives of the
   * scaled functions jump at 0.
   */
  readonly scaled?: boolean;
}

interface Params {
  readonly of: AiryName;
  readonly scaled: boolean;
}

const kernel =
  ({ of, scaled }: Params) =>
  (x: number): number =>
    airy(of, x, scaled);

const family: Apply<Params> = /* @__PURE__ */ defineFamily<Params>({
  name: "airy",
  kernel,
  partial: ({ of, scaled }, _i, [x], y) => {
    const first = of === "Ai" || of === "Ai′";
    const partner: AiryName = of === "Ai" ? "Ai′" : of === "Bi" ? "Bi′" : first ? "Ai" : "Bi";
    const other = family({ of: partner, scaled }, x);
    const slope = of === "Ai" || of === "Bi" ? other : other.mul(x); // f″ = x·f
    if (!scaled) return slope;
    const right = x.greater(0);
    const growth = where(right, where(right, x, 1).sqrt().mul(y), 0); // ζ′ = √x
    return first ? slope.add(growth) : slope.sub(growth);
  },
});

function call(name: string, of: AiryName, x: number | Tensor, options?: AiryOptions): number | Tensor {
  requireOptions(name, options, "scaled");
  const { scaled = false } = options ?? {};
  const params = { of, scaled };
  return evaluate(name, { x }, {}, kernel(params), (t) => family(params, t));
}

/**
 * The Airy function Ai(x), the solution of f″ = x·f that decays for x → ∞.
 *
 * Error at most 2.1e-15: for x ≥ 0 relative, for x < 0 of the modulus √(Ai² + Bi²). NaN below −1e200, where numbers lie too far apart.
 * Vanishes where it underflows (x > 108). Differentiable to any order.
 *
 * @throws DTypeError for tensors that are not float32 or float64.
 * Source: DLMF 9.4, 9.6.
 */
export function airyAi(x: number, options?: AiryOptions): number;
export function airyAi(x: Tensor, options?: AiryOptions): Tensor;
export function airyAi(x: number | Tensor, options?: AiryOptions): number | Tensor {
  return call("airyAi", "Ai", x, options);
}

/** The Airy function Bi(x), which grows for x → ∞ and overflows from x ≈ 104 on. As {@link airyAi}. */
export function airyBi(x: number, options?: AiryOptions): number;
export function airyBi(x: Tensor, options?: AiryOptions): Tensor;
export function airyBi(x: number | Tensor, options?: AiryOptions): number | Tensor {
  return call("airyBi", "Bi", x, options);
}

/** The derivative Ai′(x); its error for x < 0 is relative to √(Ai′² + Bi′²). As {@link airyAi}. */
export function airyAiPrime(x: number, options?: AiryOptions): number;
export function airyAiPrime(x: Tensor, options?: AiryOptions): Tensor;
export function airyAiPrime(x: number | Tensor, options?: AiryOptions): number | Tensor {
  return call("airyAiPrime", "Ai′", x, options);
}

/** The derivative Bi′(x). As {@link airyAiPrime}. */
export function airyBiPrime(x: number, options?: AiryOptions): number;
export function airyBiPrime(x: Tensor, options?: AiryOptions): Tensor;
export function airyBiPrime(x: number | Tensor, options?: AiryOptions): number | Tensor {
  return call("airyBiPrime", "Bi′", x, options);
}
