/** Random rotations and orthonormal frames. */

import { qr } from "../linalg/qr.js";
import type { Tensor } from "../tensor.js";
import { normal } from "./normal.js";
import type { Key } from "./key.js";
import { checkCount, readParameters, type SampleOptions } from "./parameters.js";

export interface OrthogonalOptions extends SampleOptions {
  /** Number of columns. Default: square. */
  readonly columns?: number;
}

/**
 * An orthogonal matrix, uniform (Haar) over all of them: Q of the QR factorisation, R's diagonal ≥ 0, of a normal matrix.
 * [...shape, rows, columns]; orthonormal columns if there are no more of them than rows, else orthonormal rows.
 *
 * Source: Mezzadri (2007), How to generate random matrices from the classical compact groups.
 */
export function orthogonal(k: Key, rows: number, options: OrthogonalOptions = {}): Tensor {
  const { columns = rows } = options;
  checkCount("orthogonal", "rows", rows, 0);
  checkCount("orthogonal", "columns", columns, 0);
  const { shape, dtype } = readParameters("orthogonal", k, options, {});
  const z = normal(k, { shape: [...shape, Math.max(rows, columns), Math.min(rows, columns)], dtype });
  const { q } = qr(z);
  return rows < columns ? q.T : q;
}
