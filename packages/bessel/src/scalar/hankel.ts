/** Hankel's expansion: the sum that multiplies the leading terms for large arguments. */

/**
 * Σ_{k=1}^{terms} Π_{j=1}^{k} (μ − (2j − 1)²)·sᵏ/(k!(8x)ᵏ) with μ = 4v².
 *
 * @param sign - s: −1 for I, 1 for K.
 * Source: DLMF 10.40.1–2; (E1) of Plesner et al.
 */
export function hankelSum(terms: number, v: number, x: number, sign: 1 | -1): number {
  const mu = 4 * v * v;
  const z = sign / (8 * x);
  let term = 1;
  let sum = 0;
  for (let k = 1; k <= terms; k++) {
    const odd = 2 * k - 1;
    term *= ((mu - odd * odd) * z) / k;
    sum += term;
    if (Math.abs(term) < 1e-18) break;
  }
  return sum;
}
