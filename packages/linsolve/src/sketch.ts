/** Sketch-and-project: a random small piece of the system is solved exactly in each step. */

import {
  DomainError,
  DTypeError,
  logicalAnd,
  matmul,
  scan,
  ShapeError,
  take,
  where,
  zeros,
  type Tensor,
} from "@curv/tensor";
import { pinv } from "@curv/tensor/linalg";
import * as random from "@curv/tensor/random";
import { describe, expectArguments, expectOptions } from "./arguments.js";
import {
  driveIteration,
  readStatus,
  runIteration,
  statusCode,
  type DriverOptions,
  type Iteration,
  type IterationState,
  type SolveStatus,
} from "./iteration.js";
import { floatOf } from "./operators/dense.js";
import { checkStatus, finite, norm, refuseNotFinite } from "./system.js";

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

export interface SketchCoreResult {
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

export interface SketchResult {
  readonly x: Tensor;
  readonly converged: boolean;
  readonly status: SolveStatus;
  readonly sweeps: number;
  /** Sketches that were solved. */
  readonly steps: number;
  /** ‖b − A x‖. */
  readonly residual: number;
  /** Norms of the residual after each sweep. */
  readonly history: readonly number[];
}

/**
 * x with A x = b for a consistent system, by sketch-and-project: x ← x − AᵀS(SᵀAAᵀS)⁺Sᵀ(A x − b). From x0 = 0 it is the solution of least norm.
 * By row norms the expected squared error falls by 1 − σ_min²/‖A‖_F² a step; rows are drawn as a function of the key and of the step
 * alone. A step with one row takes O(n), a sweep O(mn), as its residual does.
 *
 * @param a - [m, n].
 * @param b - [m].
 * @throws ShapeError, DTypeError, DomainError for what does not fit, for a sketch that there is not, or for NaN and infinities; the signal's reason.
 * Source: Strohmer & Vershynin (2009); Gower & Richtárik, Randomized iterative methods for linear systems (2015).
 *
 * @example
 * const { x, status } = await sketchSolve(a, b, { key: random.key(0), sketch: { kind: "block", size: 8 } });
 */
export async function sketchSolve(a: Tensor, b: Tensor, options: SketchOptions & DriverOptions): Promise<SketchResult> {
  const caller = "sketchSolve";
  const make = sweepsOf(a, b, options, caller);
  const data = { a, b, x0: options.x0 ?? null };
  const { state, history } = await driveIteration(make, data, false, options);
  const sweeps = await state.iterations.item();
  const status = readStatus(await state.status.item(), sweeps, caller);
  return {
    x: state.x,
    converged: status === "converged",
    status,
    sweeps,
    steps: sweeps * perSweep(options.sketch, a.shape[0]),
    residual: await state.residual.item(),
    history,
  };
}

/** {@link sketchSolve} as a traceable function. */
export function sketchSolveCore(a: Tensor, b: Tensor, options: SketchOptions): SketchCoreResult {
  const caller = "sketchSolveCore";
  const make = sweepsOf(a, b, options, caller);
  const { x, status, iterations: sweeps, residual } = runIteration(make({ a, b, x0: options.x0 ?? null }));
  checkStatus(status, sweeps, caller);
  return {
    x,
    converged: status.equal(statusCode("converged")),
    sweeps,
    steps: sweeps.mul(perSweep(options.sketch, a.shape[0])),
    residual,
  };
}

interface SweepState extends IterationState {
  readonly x: Tensor;
}

interface System {
  readonly a: Tensor;
  readonly b: Tensor;
  readonly x0: Tensor | null;
}

/** The iteration, a sweep a step, for systems like this one; looks at all arguments. */
function sweepsOf(
  a: Tensor,
  b: Tensor,
  options: SketchOptions,
  caller: string,
): (system: System) => Iteration<SweepState> {
  expectArguments(caller, { a: [a, "tensor"], b: [b, "tensor"] });
  expectOptions(caller, options, { sketch: "object", rtol: "number", maxSweeps: "number", x0: "tensor" });
  const { key, sketch, maxSweeps = 1000, x0 } = options;
  expectArguments(caller, { "options.key": [key, "key"] });
  if (a.rank !== 2 || b.rank !== 1 || a.shape[0] !== b.shape[0]) {
    throw new ShapeError(
      `${caller}: a and b have shapes [${a.shape.join(", ")}] and [${b.shape.join(", ")}]; wants [m, n] and [m].`,
    );
  }
  const [m, n] = a.shape;
  if (x0 !== undefined && (x0.rank !== 1 || x0.shape[0] !== n)) {
    throw new ShapeError(`${caller}: x0 has shape [${x0.shape.join(", ")}]; wants [${n}].`);
  }
  const dtype = floatOf(a, caller, "a");
  for (const [name, x] of Object.entries({ b, x0 })) {
    if (x !== undefined && x.dtype !== dtype) {
      throw new DTypeError(`${caller}: ${name} is ${x.dtype}; wants ${dtype}, as a is.`);
    }
  }
  const { rtol = dtype === "float64" ? 1e-8 : 1e-5 } = options;
  if (!(rtol >= 0)) throw new DomainError(`${caller}: rtol is ${rtol}; wants a number >= 0.`);
  if (!Number.isInteger(maxSweeps) || maxSweeps < 0) {
    throw new DomainError(`${caller}: maxSweeps is ${maxSweeps}; wants an integer >= 0.`);
  }
  checkSketch(sketch, m, caller);
  refuseNotFinite(a.reshape([-1]), caller, "a");
  refuseNotFinite(b, caller, "b");
  if (x0 !== undefined) refuseNotFinite(x0, caller, "x0");

  return (system) => {
    const target = norm(system.b).mul(rtol);
    const { draw, project } = pieces(system, sketch);
    const residualOf = (x: Tensor): Tensor => norm(system.b.sub(matmul(system.a, x)));
    const x = system.x0 ?? zeros([n], { dtype });
    const none = zeros([], { dtype: "int32" });
    return {
      name: caller,
      start: { x, iterations: none, status: none, residual: residualOf(x) },
      goesOn: ({ iterations, residual }) => logicalAnd(iterations.less(maxSweeps), residual.greater(target)),
      step: ({ x: before, iterations, status }) => {
        const drawn = draw(random.foldIn(key, iterations));
        const one = (y: Tensor, piece: Tensor): [Tensor, null] => [project(y, piece), null];
        const [moved] = scan(one, before, drawn as never);
        return { x: moved, iterations: iterations.add(1), status, residual: residualOf(moved) };
      },
      conclude: (state) => {
        const ended = where(state.residual.lessEqual(target), statusCode("converged"), statusCode("maxIter"));
        const status = where(finite(state.residual), ended, statusCode("notFinite")).cast("int32");
        return { ...state, status };
      },
    };
  };
}

/** How the pieces of one sweep are drawn, stacked, and what one of them does to x. */
function pieces(
  { a, b }: System,
  sketch: Sketch = { kind: "kaczmarz" },
): { draw: (key: random.Key) => Tensor; project: (x: Tensor, piece: Tensor) => Tensor } {
  const [m] = a.shape;
  /** Onto row · x = right; a row of zeros leaves x where it is. */
  const onto = (x: Tensor, row: Tensor, right: Tensor): Tensor => {
    const square = row.square().sum();
    return x.sub(
      row.mul(
        row
          .mul(x)
          .sum()
          .sub(right)
          .div(where(square.greater(0), square, 1)),
      ),
    );
  };
  switch (sketch.kind) {
    case "gaussian":
      return {
        draw: (key) => random.normal(key, { shape: [m, m], dtype: floatOf(a, "sketchSolve", "a") }),
        project: (x, piece) => onto(x, matmul(piece, a), piece.mul(b).sum()),
      };
    case "block":
      return {
        draw: (key) => random.randint(key, 0, m, { shape: [Math.ceil(m / sketch.size), sketch.size] }),
        project: (x, piece) => {
          const rows = take(a, piece, 0);
          return x.sub(matmul(pinv(rows), matmul(rows, x).sub(take(b, piece))));
        },
      };
    case "kaczmarz":
      return {
        draw: (key) =>
          sketch.weights === "uniform"
            ? random.randint(key, 0, m, { shape: [m] })
            : random.categorical(key, a.square().sum(1).log(), { shape: [m] }),
        project: (x, piece) => onto(x, take(a, piece, 0), take(b, piece)),
      };
  }
}

function perSweep(sketch: Sketch | undefined, m: number): number {
  return sketch?.kind === "block" ? Math.ceil(m / sketch.size) : m;
}

function checkSketch(sketch: Sketch | undefined, m: number, caller: string): void {
  if (sketch === undefined) return;
  const { kind, size, weights } = sketch as {
    readonly kind: unknown;
    readonly size?: unknown;
    readonly weights?: unknown;
  };
  if (kind !== "kaczmarz" && kind !== "gaussian" && kind !== "block") {
    throw new DomainError(`${caller}: sketch.kind is ${describe(kind)}; wants "kaczmarz", "gaussian" or "block".`);
  }
  if (kind === "kaczmarz" && weights !== undefined && weights !== "rowNorm" && weights !== "uniform") {
    throw new DomainError(`${caller}: sketch.weights is ${describe(weights)}; wants "rowNorm" or "uniform".`);
  }
  if (kind === "block" && !(Number.isInteger(size) && (size as number) >= 1 && (size as number) <= m)) {
    throw new DomainError(`${caller}: sketch.size is ${describe(size)}; wants an integer from 1 to ${m}.`);
  }
}
