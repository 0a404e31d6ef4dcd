/** Sketch-and-project: a random small piece of the system is solved exactly in each step. */

import { DomainError, logicalAnd, matmul, scan, ShapeError, take, whileLoop, zeros, type Tensor } from "@curv/tensor";
import { pinv } from "@curv/tensor/linalg";
import * as random from "@curv/tensor/random";
import { expectArguments, expectOptions } from "./arguments.js";
import { floatOf } from "./operators/dense.js";
import { norm, refuseNotFinite } from "./system.js";

/**
 * Which piece: a row (Kaczmarz), drawn with probability proportional to its squared norm or uniformly; a random combination of all rows; or
 * several rows at once.
 */
export type Sketch =
  | { readonly kind: "kaczmarz"; readonly weights?: "rowNorm" | "uniform" }
  | { readonly kind: "gaussian" }
  | { readonly kind: "block"; readonly size: number };

export interface SketchOptions {
  readonly key: random.Key;
  /** Default Kaczmarz by row norms. */
  readonly sketch?: Sketch;
  /** Solved when ‖b − A x‖ ≤ rtol ‖b‖, which is looked at after each sweep of as many rows as A has. Default 1e-8 in float64, 1e-5 in float32. */
  readonly rtol?: number;
  /** Most sweeps. Default 1000. */
  readonly maxSweeps?: number;
  /** Where to start [n]. Default 0. */
  readonly x0?: Tensor;
}

export interface SketchResult {
  readonly x: Tensor;
  /** bool. */
  readonly converged: Tensor;
  /** int32. */
  readonly sweeps: Tensor;
  /** int32: sketches that were solved. */
  readonly steps: Tensor;
  /** ‖b − A x‖. */
  readonly residual: Tensor;
}

/**
 * x with A x = b for a consistent system, by sketch-and-project, traceable: x ← x − AᵀS(SᵀAAᵀS)⁺Sᵀ(A x − b). From x0 = 0 it is the solution
 * of least norm. By row norms the expected squared error falls by 1 − σ_min²/‖A‖_F² a step; rows are drawn as a function of the key and
 * of the step alone.
 *
 * @param a - [m, n], without a zero row.
 * @param b - [m].
 * Source: Strohmer & Vershynin (2009); Gower & Richtárik, Randomized iterative methods for linear systems (2015).
 */
export function sketchSolveCore(a: Tensor, b: Tensor, options: SketchOptions): SketchResult {
  expectArguments("sketchSolveCore", { a: [a, "tensor"], b: [b, "tensor"] });
  expectOptions("sketchSolveCore", options, { sketch: "object", rtol: "number", maxSweeps: "number", x0: "tensor" });
  const { key, sketch = { kind: "kaczmarz" }, rtol, maxSweeps = 1000, x0 } = options;
  expectArguments("sketchSolveCore", { "options.key": [key, "key"] });
  if (a.rank !== 2 || b.rank !== 1 || a.shape[0] !== b.shape[0]) {
    throw new ShapeError(
      `sketchSolveCore: a and b have shapes [${a.shape.join(", ")}] and [${b.shape.join(", ")}]; wants [m, n] and [m].`,
    );
  }
  const [m, n] = a.shape;
  if (x0 !== undefined && (x0.rank !== 1 || x0.shape[0] !== n)) {
    throw new ShapeError(`sketchSolveCore: x0 has shape [${x0.shape.join(", ")}]; wants [${n}].`);
  }
  const dtype = floatOf(a, "sketchSolveCore", "a");
  if (!Number.isInteger(maxSweeps) || maxSweeps < 0) {
    throw new DomainError(`sketchSolveCore: maxSweeps is ${maxSweeps}; wants an integer >= 0.`);
  }
  if (sketch.kind === "block" && !(Number.isInteger(sketch.size) && sketch.size >= 1 && sketch.size <= m)) {
    throw new DomainError(`sketchSolveCore: the block has size ${sketch.size}; wants an integer from 1 to ${m}.`);
  }
  refuseNotFinite(a.reshape([-1]), "sketchSolveCore", "a");
  refuseNotFinite(b, "sketchSolveCore", "b");
  if (x0 !== undefined) refuseNotFinite(x0, "sketchSolveCore", "x0");
  const start = x0 ?? zeros([n], { dtype });
  const squares = a.square().sum(1);
  const target = norm(b).mul(rtol ?? (dtype === "float64" ? 1e-8 : 1e-5));

  /** Draws the pieces of a sweep, stacked. */
  const draw = (k: random.Key): Tensor => {
    if (sketch.kind === "gaussian") return random.normal(k, { shape: [m, m], dtype });
    if (sketch.kind === "block") {
      const count = Math.ceil(m / sketch.size);
      return random.randint(k, 0, m, { shape: [count, sketch.size] });
    }
    if (sketch.weights === "uniform") return random.randint(k, 0, m, { shape: [m] });
    return random.categorical(k, squares.log(), { shape: [m] });
  };
  const project = (x: Tensor, piece: Tensor): Tensor => {
    if (sketch.kind === "gaussian") {
      const row = matmul(piece, a);
      return x.sub(row.mul(row.mul(x).sum().sub(piece.mul(b).sum()).div(row.square().sum())));
    }
    if (sketch.kind === "block") {
      const rows = take(a, piece, 0);
      const left = matmul(rows, x).sub(take(b, piece));
      return x.sub(matmul(pinv(rows), left));
    }
    const row = take(a, piece, 0);
    return x.sub(row.mul(row.mul(x).sum().sub(take(b, piece)).div(take(squares, piece))));
  };
  interface State {
    readonly x: Tensor;
    readonly sweeps: Tensor;
    readonly residual: Tensor;
  }
  const end = whileLoop(
    (s: State) => logicalAnd(s.sweeps.less(maxSweeps), s.residual.greater(target)),
    ({ x, sweeps }: State): State => {
      const pieces = draw(random.foldIn(key, sweeps));
      const [moved] = scan((y: Tensor, piece: Tensor): [Tensor, null] => [project(y, piece), null], x, pieces as never);
      return { x: moved, sweeps: sweeps.add(1), residual: norm(b.sub(matmul(a, moved))) };
    },
    { x: start, sweeps: zeros([], { dtype: "int32" }), residual: norm(b.sub(matmul(a, start))) },
  );
  const perSweep = sketch.kind === "block" ? Math.ceil(m / sketch.size) : m;
  return {
    x: end.x,
    converged: end.residual.lessEqual(target),
    sweeps: end.sweeps,
    steps: end.sweeps.mul(perSweep),
    residual: end.residual,
  };
}
