/** Orthogonal weights. */

import { defaultDType, DomainError, ShapeError } from "@curv/tensor";
import { qr } from "@curv/tensor/linalg";
import * as random from "@curv/tensor/random";
import type { Initializer } from "./initializer.js";

/**
 * gain times a random matrix with orthonormal rows, or columns if there are fewer of them: a weight [out, in, ...window] is seen as
 * [out, in·|window|].
 *
 * Uniform (Haar) over all such matrices: Q of the QR factorisation of a normal matrix, with diag R ≥ 0.
 *
 * @throws DomainError unless the gain is finite; ShapeError, when used, for a shape with fewer than two axes.
 * Source: Saxe, McClelland & Ganguli (2014); Mezzadri, How to Generate Random Matrices from the Classical Compact Groups (2007).
 */
export function orthogonal({ gain = 1 }: { readonly gain?: number } = {}): Initializer {
  if (!Number.isFinite(gain)) {
    throw new DomainError(`orthogonal: gain is ${String(gain)}; wants a finite number.`);
  }
  return (key, shape, { dtype = defaultDType() } = {}) => {
    if (shape.length < 2) {
      throw new ShapeError(`orthogonal: shape [${shape.join(", ")}] is no matrix; wants [out, in, …].`);
    }
    const rows = shape[0];
    const columns = shape.slice(1).reduce((product, n) => product * n, 1);
    const tall = random.normal(key, { shape: [Math.max(rows, columns), Math.min(rows, columns)], dtype });
    const { q } = qr(tall);
    return (rows < columns ? q.T : q).mul(gain).reshape(shape);
  };
}
