/** Nothing but the matrix products of a task, by NumPy into arrays that are there: what a network would cost if all else were free. */

import type { Peer } from "../comparison.js";
import { type Precision, valuesOf } from "../inputs.js";
import { pythonPeer } from "./python.js";

/** @param shapes - [m, k, n] of each product of [m, k] by [k, n]. */
export function productsPeer(shapes: readonly (readonly [number, number, number])[], precision: Precision): Peer {
  const inputs = [valuesOf(Int32Array.from(shapes.flat()), [shapes.length, 3])];
  return pythonPeer(`${shapes.length} products by NumPy`, { library: "numpy", task: "products", precision, inputs });
}
