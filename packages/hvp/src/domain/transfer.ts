/** How much worse than the source's excess loss the target's can be, near a head: measured, and bounded by the gap of the Hessians. */

import {
  DomainError,
  DTypeError,
  epsilon,
  grad,
  isFloat,
  isTensor,
  linearize,
  ShapeError,
  vmap,
  type FloatDType,
  type Tensor,
} from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { expectOptions, eigsh, linearOperator, expectArguments } from "@curv/linsolve";
import { checkCount, checkNumber } from "./environment.js";
import { projectedAscent, type Ascent, type AscentOptions } from "./projected-ascent.js";

/** A loss as a function of the head, [D] to a scalar; `headProblem` makes one of a model and an environment. */
export type HeadObjective = (h: Tensor) => Tensor;

/** Options of {@link transferUpperBound}. */
export interface TransferBoundOptions {
  /** Relative tolerance of the eigenvalue. Default 1e-10 in float64, 1e-5 in float32. */
  readonly tol?: number;
  /** Of the start of the Lanczos process. Default random.key(0). */
  readonly key?: random.Key;
  readonly signal?: AbortSignal | undefined;
}

/** Result of {@link transferUpperBound}. */
export interface TransferBound {
  /** ½ δ² ‖H_T − H_S‖₂, to which T_Γ(S‖T) is at most equal up to o(δ²) where h* minimises both losses. */
  readonly bound: number;
  /** ‖H_T − H_S‖₂. */
  readonly spectralGap: number;
  /** δ ‖g_T − g_S‖, what the first order adds to the bound where h* is stationary for one of them at most. */
  readonly firstOrder: number;
  /** ‖g_S‖ and ‖g_T‖ at h*: how far the premise holds. */
  readonly gradientNorms: { readonly source: number; readonly target: number };
  /** Unit eigenvector of H_T − H_S of the eigenvalue that is largest in magnitude, [D]. */
  readonly direction: Tensor;
  /** Its eigenvalue, with its sign. The bound can be reached only along a positive one. */
  readonly eigenvalue: number;
  /** Whether the eigenvalue has converged; otherwise the bound is too low. */
  readonly converged: boolean;
  /** Products with H_T − H_S. */
  readonly products: number;
}

/**
 * An upper bound of the transfer measure in the ball of radius δ around h*: ½ δ² ‖H_T − H_S‖₂, by the Lanczos method on the difference of
 * the Hessians as an operator; no Hessian is formed.
 *
 * @param source - L_S.
 * @param target - L_T.
 * @param head - h*, [D].
 * @param radius - δ > 0.
 * @throws DomainError for a radius that is not positive, or a loss with NaN; ShapeError for a head that is no vector.
 * Source: Hemati, Zhang, Estiri & Chen (2023), theorem on transferability; second-order Taylor expansion.
 */
export async function transferUpperBound(
  source: HeadObjective,
  target: HeadObjective,
  head: Tensor,
  radius: number,
  options: TransferBoundOptions = {},
): Promise<TransferBound> {
  expectArguments("transferUpperBound", { source: [source, "function"], target: [target, "function"] });
  checkProblem(head, radius, "transferUpperBound");
  expectOptions("transferUpperBound", options, { tol: "number", key: "key" });
  const { tol, key = random.key(0), signal } = options;
  checkLosses(source, target, head, "transferUpperBound");
  const sourceLine = linearize(grad(source), head);
  const targetLine = linearize(grad(target), head);
  const difference = linearOperator({
    matvec: (v: Tensor) => targetLine.linear(v).sub(sourceLine.linear(v)),
    domain: head,
    symmetric: true,
  });
  const norm = async (g: Tensor): Promise<number> => g.square().sum().sqrt().item();
  const [gS, gT] = [sourceLine.value, targetLine.value];
  const gradientNorms = { source: await norm(gS), target: await norm(gT) };
  const result = await eigsh(difference, {
    k: 1,
    which: "magnitude",
    verifyMultiplicity: false,
    check: false,
    key,
    ...(tol === undefined ? {} : { tol }),
    ...(signal === undefined ? {} : { signal }),
  });
  const eigenvalue = await result.values.slice(0).item();
  const spectralGap = Math.abs(eigenvalue);
  return {
    bound: 0.5 * radius ** 2 * spectralGap,
    spectralGap,
    firstOrder: radius * (await norm(gT.sub(gS))),
    gradientNorms,
    direction: result.vectors.slice(null, 0),
    eigenvalue,
    converged: result.converged,
    products: result.products + result.verificationProducts,
  };
}

/** Options of {@link transferMeasure}. */
export interface TransferMeasureOptions {
  /**
   * How much the functions may still rise to first order, relative to how much they vary in the ball. Default 1e-8 in float64, 1e-4 in
   * float32; never below what rounding allows. Inside the ball the error of a value is about the square of this.
   */
  readonly tol?: number;
  /** Most steps of each of the three searches. Default 2000. */
  readonly maxIter?: number;
  readonly signal?: AbortSignal | undefined;
  /** Called after each block of steps of the maximisation. */
  readonly onProgress?: (progress: { readonly iterations: number; readonly value: number }) => void;
  /** min L_S. Default: its minimum over the ball, found by the same method. */
  readonly sourceMinimum?: number;
  /** min L_T. Default likewise. */
  readonly targetMinimum?: number;
  /** Random starts on the sphere. Default 8. */
  readonly starts?: number;
  /** Of the starts. Default random.key(0). */
  readonly key?: random.Key;
}

/** Result of {@link transferMeasure}. */
export interface TransferMeasure {
  /** The largest value that was found: a lower bound of T_Γ(S‖T), and T itself where the ascent met the global maximum. */
  readonly measure: number;
  /** The head where it is attained, [D]. */
  readonly head: Tensor;
  readonly sourceMinimum: number;
  readonly targetMinimum: number;
  /** Whether the maximisation has converged, and both minimisations. */
  readonly converged: boolean;
  /** `precision` stands for a stall at the precision of the dtype. */
  readonly status: "converged" | "maxIter" | "precision";
  /** Of the maximisation. */
  readonly iterations: number;
  /** What the measure, and both minima, could still change to first order. */
  readonly residual: number;
  /** The measure after each block of steps. */
  readonly history: readonly number[];
}

/**
 * The transfer measure T_Γ(S‖T) = sup_{h ∈ Γ} [(L_T(h) − min L_T) − (L_S(h) − min L_S)] over the ball Γ of radius δ around a head, by projected
 * gradient ascent from random points of its sphere.
 *
 * The default minima are those over the ball, found by the same method; for convex losses they are exact to `residual`.
 *
 * @param source - L_S.
 * @param target - L_T.
 * @param head - Centre of the ball, [D].
 * @param radius - δ > 0.
 * @throws DomainError for a radius that is not positive, or other options out of range; ShapeError for a head that is no vector.
 * Source: Zhang et al., Quantifying and improving transferability in domain generalization (2021), definition of the transfer measure.
 */
export async function transferMeasure(
  source: HeadObjective,
  target: HeadObjective,
  head: Tensor,
  radius: number,
  options: TransferMeasureOptions = {},
): Promise<TransferMeasure> {
  expectArguments("transferMeasure", { source: [source, "function"], target: [target, "function"] });
  const dtype = checkProblem(head, radius, "transferMeasure");
  expectOptions("transferMeasure", options, { sourceMinimum: "number", targetMinimum: "number", key: "key" });
  checkLosses(source, target, head, "transferMeasure");
  const { starts = 8, key = random.key(0), maxIter = 2000, signal, onProgress } = options;
  const { tol = dtype === "float64" ? 1e-8 : 1e-4 } = options;
  checkCount(starts, "transferMeasure", "starts", 1);
  checkCount(maxIter, "transferMeasure", "maxIter", 1);
  checkNumber(tol, "transferMeasure", "tol");
  signal?.throwIfAborted();
  const size = Math.abs(await source(head).item()) + Math.abs(await target(head).item());
  if (!Number.isFinite(size)) throw new DomainError("transferMeasure: a loss at the head is NaN or infinite.");

  const points = head.add(random.sphere(key, head.size, { shape: [starts], dtype }).mul(radius));
  const search = async (f: HeadObjective, watch?: AscentOptions["onProgress"]): Promise<Ascent> => {
    // How much f varies in the ball says what is small.
    const variation = await vmap(f)(points).sub(f(head)).abs().max().item();
    const noise = 4 * epsilon(dtype) * (size + variation);
    // Near a maximum inside the ball, values that are known to ± noise leave gradients, and so the gap, with the square root of it.
    const atol = tol * variation + 4 * Math.sqrt(noise * variation) + 2 * noise;
    return projectedAscent({ f, centre: head, radius }, points, { atol, noise, maxIter, signal, onProgress: watch });
  };
  const minimise = async (loss: HeadObjective, known: number | undefined): Promise<Ascent | Known> =>
    known === undefined ? search((h) => loss(h).neg()) : { value: -known, gap: 0, status: "converged" };

  const [low, lowTarget] = [
    await minimise(source, options.sourceMinimum),
    await minimise(target, options.targetMinimum),
  ];
  const offset = lowTarget.value - low.value;
  const found = await search((h) => target(h).sub(source(h)), onProgress);
  const status = [found, low, lowTarget].find((part) => part.status !== "converged")?.status ?? "converged";
  return {
    measure: found.value + offset,
    head: found.x,
    sourceMinimum: -low.value,
    targetMinimum: -lowTarget.value,
    converged: status === "converged",
    status,
    iterations: found.iterations,
    residual: found.gap + low.gap + lowTarget.gap,
    history: found.history.map((value) => value + offset),
  };
}

/** A minimum that was given. */
type Known = Pick<Ascent, "value" | "gap" | "status">;

/** Refuses functions that give no number at the head. */
function checkLosses(source: HeadObjective, target: HeadObjective, head: Tensor, caller: string): void {
  for (const [name, loss] of Object.entries({ source, target })) {
    expectArguments(caller, { [`what ${name} returned`]: [loss(head), "tensor"] });
  }
}

function checkProblem(head: Tensor, radius: number, caller: string): FloatDType {
  if (!isTensor(head) || head.rank !== 1 || head.size === 0) {
    const got = isTensor(head) ? `has shape [${head.shape.join(", ")}]` : `is ${typeof head}`;
    throw new ShapeError(`${caller}: head ${got}; wants a vector [D].`);
  }
  if (!isFloat(head.dtype)) throw new DTypeError(`${caller}: head is ${head.dtype}; wants float32 or float64.`);
  checkNumber(radius, caller, "radius", true);
  return head.dtype;
}
