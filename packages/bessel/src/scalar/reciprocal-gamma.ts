/** 1/Γ on the ranges that the power series and Temme's series need. */

/** 1/Γ(1 + z) about z = ½, lowest power first (mpmath, 40 digits; the sum to power 17 has an error below 1e-17 on [0, 1]). */
export const aboutHalf: readonly number[] = [
  1.1283791670955126, -0.0411745264452831, -0.5266544355255445, 0.17510202604393457, 0.050966860247706074,
  -0.042155169368535604, 0.006612897826824127, 0.002120731442572938, -0.0011107302545948906, 0.00015235762076747688,
  2.5355204923814165e-5, -1.3896805717913756e-5, 2.1562032905141724e-6, 5.7942640540526726e-8, -8.913551118311116e-8,
  1.7103469415915374e-8, -9.313686445241901e-10, -2.6804741033496623e-10, 7.458932233316326e-11,
]; // prettier-ignore

/** 1/Γ(1 + v) for 0 ≤ v < 20, to 4e-16·(1 + v/8) relative: down to [0, 1) by Γ(1 + v) = vΓ(v). */
export function reciprocalGamma1p(v: number): number {
  let product = 1;
  let z = v;
  while (z >= 1) {
    product *= z;
    z -= 1; // exact
  }
  const t = z - 0.5;
  let sum = aboutHalf[aboutHalf.length - 1];
  for (let i = aboutHalf.length - 2; i >= 0; i--) sum = sum * t + aboutHalf[i];
  return sum / product;
}

/** 1/Γ(1 + z) about z = 0 (mpmath, 50 digits; the sum to power 19 has an error below 1e-17 on [−½, ½]). */
export const aboutZero: readonly number[] = [
  1, 0.5772156649015329, -0.6558780715202539, -0.042002635034095236, 0.1665386113822915, -0.04219773455554433,
  -0.009621971527876973, 0.0072189432466631, -0.0011651675918590652, -0.00021524167411495098, 0.00012805028238811619,
  -2.013485478078824e-5, -1.2504934821426707e-6, 1.133027231981696e-6, -2.056338416977607e-7, 6.116095104481416e-9,
  5.002007644469223e-9, -1.1812745704870201e-9, 1.0434267116911005e-10, 7.782263439905071e-12,
]; // prettier-ignore

/** Temme's Γ₁ and Γ₂: 1/Γ(1 ± μ) = even ∓ μ·odd for |μ| ≤ ½, both polynomials in μ². */
export function gammaParts(mu: number): { readonly odd: number; readonly even: number } {
  const m = mu * mu;
  let odd = 0;
  let even = 0;
  for (let k = aboutZero.length - 2; k >= 0; k -= 2) {
    odd = odd * m - aboutZero[k + 1];
    even = even * m + aboutZero[k];
  }
  return { odd, even };
}
