/** Matrices that are given by few numbers: Toeplitz matrices and Kronecker products, written out and applied. */

import { zeros } from "../create.js";
import { isFloat } from "../dtype.js";
import { DTypeError, ShapeError } from "../errors.js";
import { irfft, rfft } from "../fft/real.js";
import { matmul } from "../ops/dot.js";
import { take } from "../ops/gather.js";
import { concat, expandDims, flip, moveAxis, reshape } from "../ops/movement.js";
import { formatShape } from "../shape.js";
import type { Tensor } from "../tensor.js";

/**
 * The Toeplitz matrix T[i, j] = t(i − j): t(k) = c[k] for k ≥ 0 and r[−k] for k < 0.
 *
 * @param c - The first column [..., m].
 * @param r - The first row [..., n]; its first element is ignored. Default: c, which makes T symmetric.
 * @returns [..., m, n].
 */
export function toeplitz(c: Tensor, r: Tensor = c): Tensor {
  const [m, n] = lengths(c, r, "toeplitz");
  // t(−(n − 1)) … t(m − 1) one after the other.
  const diagonals = concat([flip(r.slice("...", [1, null]), -1), c], -1);
  const places = Array.from({ length: m * n }, (_, k) => n - 1 + Math.floor(k / n) - (k % n));
  return reshape(take(diagonals, places, -1), [...diagonals.shape.slice(0, -1), m, n]);
}

/**
 * T X for the Toeplitz matrix with first column c and first row r, in O((m + n) log(m + n)) operations for each column, without writing T
 * out.
 *
 * @param c - [..., m].
 * @param x - [n] or [..., n, k].
 * @param r - [..., n]. Default: c.
 */
export function toeplitzMatmul(c: Tensor, x: Tensor, r: Tensor = c): Tensor {
  const [m, n] = lengths(c, r, "toeplitzMatmul");
  if (!isFloat(x.dtype)) throw new DTypeError(`toeplitzMatmul: x is ${x.dtype}; wants float32 or float64.`);
  const rows = x.rank === 1 ? x.shape[0] : x.shape[x.rank - 2];
  if (rows !== n) {
    throw new ShapeError(`toeplitzMatmul: x has shape ${formatShape(x.shape)}; wants ${n} rows, as r has elements.`);
  }
  // T is the corner of a circulant matrix with the first column t(0) … t(m − 1), 0 …, t(−(n − 1)) … t(−1).
  const length = 2 ** Math.ceil(Math.log2(Math.max(1, m + n - 1)));
  const gap = zeros([...c.shape.slice(0, -1), length - m - n + 1], { dtype: c.dtype });
  const column = rfft(concat([c, gap, flip(r.slice("...", [1, null]), -1)], -1), { n: length });
  const across = x.rank === 1 ? x : moveAxis(x, -2, -1);
  const spectrum = rfft(across, { n: length });
  const lift = (t: Tensor): Tensor => (x.rank === 1 ? t : expandDims(t, -2));
  const [re, im] = [lift(column.re), lift(column.im)];
  const product = irfft(
    {
      re: re.mul(spectrum.re).sub(im.mul(spectrum.im)),
      im: re.mul(spectrum.im).add(im.mul(spectrum.re)),
    },
    { n: length },
  ).slice("...", [0, m]);
  return x.rank === 1 ? product : moveAxis(product, -1, -2);
}

function lengths(c: Tensor, r: Tensor, caller: string): readonly [m: number, n: number] {
  if (c.rank < 1 || r.rank < 1 || c.shape.slice(0, -1).join() !== r.shape.slice(0, -1).join()) {
    throw new ShapeError(
      `${caller}: c and r have shapes ${formatShape(c.shape)} and ${formatShape(r.shape)}; wants vectors with the same leading axes.`,
    );
  }
  const [m, n] = [c.shape[c.rank - 1], r.shape[r.rank - 1]];
  if (m === 0 || n === 0) throw new ShapeError(`${caller}: c and r have ${m} and ${n} elements; wants at least one.`);
  return [m, n];
}

/**
 * (A₁ ⊗ A₂ ⊗ … ) X without writing the product out: each factor is applied along an axis of its own.
 *
 * @param factors - Matrices [mᵢ, nᵢ].
 * @param x - [∏ nᵢ] or [∏ nᵢ, k].
 * @returns [∏ mᵢ] or [∏ mᵢ, k].
 */
export function kronMatmul(factors: readonly Tensor[], x: Tensor): Tensor {
  const wrong = factors.findIndex((a) => a.rank !== 2);
  if (wrong >= 0) {
    throw new ShapeError(`kronMatmul: factor ${wrong} has shape ${formatShape(factors[wrong].shape)}; wants a matrix.`);
  }
  const size = factors.reduce((product, a) => product * a.shape[1], 1);
  if (x.rank < 1 || x.rank > 2 || x.shape[0] !== size) {
    throw new ShapeError(
      `kronMatmul: x has shape ${formatShape(x.shape)}; wants [${size}] or [${size}, k] for factors with so many columns.`,
    );
  }
  const columns = x.rank === 2 ? [x.shape[1]] : [];
  let y = reshape(x, [...factors.map((a) => a.shape[1]), ...columns]);
  factors.forEach((a, axis) => {
    const front = moveAxis(y, axis, 0);
    const moved = matmul(a, reshape(front, [a.shape[1], -1]));
    y = moveAxis(reshape(moved, [a.shape[0], ...front.shape.slice(1)]), 0, axis);
  });
  return reshape(y, [factors.reduce((product, a) => product * a.shape[0], 1), ...columns]);
}
