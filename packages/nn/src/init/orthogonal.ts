/** Orthogonal weights. */

import { defaultDType, DomainError, ShapeError } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import type { Initializer } from "./initializer.js";

/**
 * gain times a random matrix with orthonormal rows, or columns if there are fewer of them: a weight [out, in, ...window] is seen as
 * [out, in·|window|].
 *
 * Uniform (Haar) over all such matrices.
 *
 * @throws DomainError unless the gain is finite; ShapeError, when used, for a shape with fewer than two axes.
 * Source: Saxe, McClelland & Ganguli, Exact Solutions to the Nonlinear Dynamics of Learning in Deep Linear Neural Networks (2014).
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
    return random.orthogonal(key, rows, { columns, dtype }).mul(gain).reshape(shape);
  };
}
