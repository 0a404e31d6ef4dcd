/** Integrals over [0, ∞). */

/** Nodes and weights of ∫₀^∞f(y)dy for f that decays exponentially: the double exponential rule y = exp(t − e^(−t)). */
export const halfLine: readonly (readonly [node: number, weight: number])[] = /* @__PURE__ */ Array.from({ length: 131 }, (_, i) => {
  const t = (i - 58) / 16;
  const y = Math.exp(t - Math.exp(-t));
  return [y, ((1 + Math.exp(-t)) * y) / 16] as const;
}); // prettier-ignore
