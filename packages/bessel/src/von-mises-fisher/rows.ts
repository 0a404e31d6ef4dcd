/** Checks of data on the sphere, at the door of the fits. */

import { DomainError, DTypeError, jit, ShapeError, tensor, type Tensor } from "@curv/tensor";
import { requireTensors } from "../operands.js";

/** Data as a fit takes them. */
export interface Rows {
  /** [n, p]. */
  readonly x: Tensor;
  /** [n], summing to 1. */
  readonly weights: Tensor;
  readonly n: number;
  readonly p: number;
}

const squaredNorms = (x: Tensor): Tensor => x.square().sum(-1);
/** In one pass, without an array of squares as large as the data: five times as fast, and worth compiling where there are many. */
const squaredNormsOfMany = /* @__PURE__ */ jit(squaredNorms);
const many = 2 ** 20;

/**
 * @throws ShapeError, DTypeError; DomainError for a row that is not a unit vector (to 1e-6, in float32 1e-4) and for weights that are
 * negative, not finite or all 0.
 */
export async function readRows(x: Tensor, weights: Tensor | undefined, caller: string): Promise<Rows> {
  requireTensors(caller, { x, ...(weights !== undefined && { weights }) });
  if (x.rank !== 2 || x.shape[0] < 1) {
    throw new ShapeError(
      `${caller}: data have shape [${x.shape.join(", ")}]; wants [n, p], a unit vector in each row.`,
    );
  }
  if (x.dtype !== "float32" && x.dtype !== "float64") {
    throw new DTypeError(`${caller}: data are ${x.dtype}; wants float32 or float64.`);
  }
  const [n, p] = x.shape;
  if (p < 2) throw new ShapeError(`${caller}: data have dimension ${p}; wants at least 2.`);
  const tolerance = x.dtype === "float64" ? 1e-6 : 1e-4;
  const squares = await (n * p < many ? squaredNorms : squaredNormsOfMany)(x).data();
  const bad = squares.findIndex((s) => !(Math.abs(Math.sqrt(s) - 1) <= tolerance));
  if (bad >= 0) {
    throw new DomainError(
      `${caller}: row ${bad} has norm ${Math.sqrt(squares[bad])}; wants unit vectors. Divide each row by its norm.`,
    );
  }
  return { x, weights: await readWeights(weights, x, n, caller), n, p };
}

async function readWeights(weights: Tensor | undefined, x: Tensor, n: number, caller: string): Promise<Tensor> {
  if (weights === undefined) return tensor(new Float64Array(n).fill(1 / n)).cast(x.dtype);
  if (weights.rank !== 1 || weights.shape[0] !== n) {
    throw new ShapeError(
      `${caller}: weights have shape [${weights.shape.join(", ")}]; wants [${n}], one for each row.`,
    );
  }
  const values = Float64Array.from(await weights.data());
  const bad = values.findIndex((w) => !(w >= 0 && w < Infinity));
  if (bad >= 0) throw new DomainError(`${caller}: weight ${bad} is ${values[bad]}; wants a number >= 0.`);
  const total = values.reduce((a, b) => a + b, 0);
  if (total === 0) throw new DomainError(`${caller}: all weights are 0; wants at least one above.`);
  return tensor(values.map((w) => w / total)).cast(x.dtype);
}
