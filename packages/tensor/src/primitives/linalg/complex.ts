/** Complex matrices as pairs of real ones: what the derivative of `eig` needs. */

import type { Complex } from "../../complex.js";
import { matmul } from "../../ops/dot.js";
import { concat } from "../../ops/movement.js";
import { solve } from "../../linalg/solve.js";
import { rows } from "./matrices.js";

/** a · b, elementwise. */
export function complexMultiply(a: Complex, b: Complex): Complex {
  return { re: a.re.mul(b.re).sub(a.im.mul(b.im)), im: a.re.mul(b.im).add(a.im.mul(b.re)) };
}

/** 1/a, elementwise, scaled so that nothing overflows. */
export function complexReciprocal({ re, im }: Complex): Complex {
  const size = re.abs().maximum(im.abs());
  const u = re.div(size);
  const v = im.div(size);
  const norm = u.square().add(v.square()).mul(size);
  return { re: u.div(norm), im: v.neg().div(norm) };
}

/** A B. */
export function complexMatmul(a: Complex, b: Complex): Complex {
  return {
    re: matmul(a.re, b.re).sub(matmul(a.im, b.im)),
    im: matmul(a.re, b.im).add(matmul(a.im, b.re)),
  };
}

/** A⁻¹ B, through the real system [[Re A, −Im A], [Im A, Re A]] of twice the size. */
export function complexSolve(a: Complex, b: Complex): Complex {
  const n = a.re.shape[a.re.rank - 1];
  const top = concat([a.re, a.im.neg()], -1);
  const bottom = concat([a.im, a.re], -1);
  const x = solve(concat([top, bottom], -2), concat([b.re, b.im], -2), { check: false });
  return { re: rows(x, 0, n), im: rows(x, n, 2 * n) };
}
