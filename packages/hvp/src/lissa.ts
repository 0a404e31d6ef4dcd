/** Products with an inverse when only mini-batches of a curvature matrix are looked at, one at a time. */

import { ConvergenceError, DomainError, DTypeError, isFloat, ShapeError, zerosLike, type Tensor } from "@curv/tensor";
import { leavesWithPath } from "@curv/tensor/tree";
import { expectArguments, expectOptions, type LinearOperator } from "@curv/linsolve";
import * as random from "@curv/tensor/random";
import { breather } from "./breathe.js";
import { spectralNorm } from "./estimators/extremes.js";
import { checkCount, squareSize } from "./estimators/products.js";
import { asVector } from "./transforms.js";

/** Operators by their number: an array, or what makes them when they are asked for. */
export interface OperatorList<X> {
  readonly length: number;
  readonly at: (index: number) => LinearOperator<X> | undefined;
}

export interface LissaOptions {
  /** δ ≥ 0, added to the diagonal. Default 0. */
  readonly damping?: number;
  /**
   * s: every I − s(Aᵢ + δI) must have a norm of at most 1. Default: 1/(λ_max + δ), with the largest λ_max of all operators by Lanczos, for
   * which each of them is looked at; for a lazy list give it.
   */
  readonly stepSize?: number;
  /** K, the terms of the series. Default 1000. */
  readonly steps?: number;
  /** Independent runs, whose mean is the result. Default 8. */
  readonly repeats?: number;
  /** Weights wᵢ > 0 of the operators in their mean: the batches' sizes, where they differ. Default all alike. */
  readonly weights?: readonly number[];
  /** Relative residual that counts as converged. Default 0.1. */
  readonly rtol?: number;
  /** Stops the run: its promise is rejected with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Called after each of the runs. */
  readonly onProgress?: (progress: { readonly repeats: number; readonly of: number }) => void;
}

export interface LissaResult<X> {
  /** The mean over the runs, a tree like b. */
  readonly x: X;
  /** Its standard error, element by element; NaN for a single run. The series' own rest, (I − s(A + δI))ᴷ, is not in it. */
  readonly standardError: X;
  /** Steps of each run. */
  readonly iterations: number;
  readonly stepSize: number;
  /** ‖b − (A + δI) x‖/‖b‖ with the mean A of all operators: what is left of the series, and noise. */
  readonly residual: number;
  /** Whether `residual` is at most `rtol`. If not, more steps leave less of the series, more repeats less noise. */
  readonly converged: boolean;
  readonly status: "converged" | "maxIter";
  /** With the operators, those for `residual` and the default `stepSize` too. */
  readonly products: number;
}

/**
 * x with (A + δI) x = b for the mean A = Σ wᵢAᵢ / Σ wᵢ of positive semi-definite operators, of which each step looks at one that is drawn:
 *
 *   x₀ = b,  xₖ = b + (I − s(Aᵢ + δI)) xₖ₋₁,  x = s·x_K.
 *
 * The draws are independent, so that the mean of x is the Neumann series Σ_{k≤K} (I − s(A + δI))ᵏ s·b: with enough terms an unbiased estimate
 * of the inverse product, at a cost per step that does not depend on how many batches there are. Its standard error is that of independent
 * runs.
 *
 * @param operators - Of mini-batches: `batches.map((batch) => hessianOperator(loss, params, batch))`, or a lazy list, as
 * `{ length: 100, at: (i) => hessianOperator(loss, params, load(i), { check: false }) }`.
 * @param b - A tree like the operators' domain.
 * @throws ConvergenceError where a run grows beyond (k + 1) ‖b‖ after k steps, which no contraction does: an operator has an eigenvalue
 * outside [0, 2/s − δ]; DomainError for options out of range, or a b with NaN; ShapeError for operators of different sizes.
 * Source: Agarwal, Bullins & Hazan, Second-order stochastic optimization for machine learning in linear time (2017), algorithm 1; with the
 * scale of Koh & Liang, Understanding black-box predictions via influence functions (2017), section 3.
 *
 * @example
 * const { x, standardError } = await lissa(batches.map((batch) => hessianOperator(loss, params, batch)), g, key, { damping: 0.01 });
 */
export async function lissa<X>(
  operators: OperatorList<X>,
  b: X,
  key: random.Key,
  options: LissaOptions = {},
): Promise<LissaResult<X>> {
  expectArguments(caller, { operators: [operators, "object"], b: [b, "tree"], key: [key, "key"] });
  expectOptions(caller, options, {
    damping: "number", stepSize: "number", steps: "number", repeats: "number", weights: "numbers", rtol: "number",
  }); // prettier-ignore
  const { damping = 0, steps = 1000, repeats = 8, rtol = 0.1, signal, onProgress } = options;
  const count = operators.length;
  checkCount(count, caller, "operators.length");
  expectArguments(caller, { "operators.at": [operators.at, "function"] });
  checkCount(steps, caller, "steps");
  checkCount(repeats, caller, "repeats");
  if (!(damping >= 0 && damping < Infinity)) {
    throw new DomainError(`${caller}: damping is ${damping}; wants a finite number >= 0.`);
  }
  if (!(rtol >= 0)) throw new DomainError(`${caller}: rtol is ${rtol}; wants a number >= 0.`);
  const shares = sharesOf(options.weights, count);
  for (const { path, leaf } of leavesWithPath(b as never)) {
    if (isFloat(leaf.dtype)) continue;
    throw new DTypeError(`${caller}: ${["b", ...path].join(".")} is ${leaf.dtype}; wants float32 or float64.`);
  }
  const { vector: target, unravel } = asVector(b);
  const size = await lengthOf(target);
  if (!Number.isFinite(size)) throw new DomainError(`${caller}: b has NaN or an infinity; wants finite numbers.`);
  const breathe = breather(signal);
  const operator = (i: number): LinearOperator<X> => operatorAt(operators, i, target.size);

  let products = 0;
  let scale = options.stepSize;
  if (scale === undefined) {
    let largest = 0;
    for (let i = 0; i < count; i++) {
      const found = await spectralNorm(operator(i), { tol: 1e-2, check: i === 0, ...(signal && { signal }) });
      largest = Math.max(largest, found.norm + found.errorBound);
      products += found.products;
    }
    scale = largest + damping > 0 ? 1 / (largest + damping) : 1;
  }
  if (!(scale > 0 && scale < Infinity)) {
    throw new DomainError(`${caller}: stepSize is ${scale}; wants a finite number > 0.`);
  }
  const s = scale;
  const damped = (i: number, x: Tensor): Tensor => operator(i).matvec(x).add(x.mul(damping));

  let [sum, squares] = [zerosLike(target), zerosLike(target)];
  for (let run = 0; run < repeats; run++) {
    const draws = await drawn(random.foldIn(key, run), shares, steps);
    let x = target;
    for (let k = 0; k < steps; k++) {
      x = target.add(x).sub(damped(draws[k], x).mul(s));
      await breathe();
      // Looked at seldom: a look waits for the device.
      if ((k + 1) % lookEvery === 0 || k + 1 === steps) refuseGrowth(await lengthOf(x), size, { step: k + 1, run, s });
    }
    x = x.mul(s);
    // Welford's sums.
    const difference = x.sub(sum);
    sum = sum.add(difference.div(run + 1));
    squares = squares.add(difference.mul(x.sub(sum)));
    onProgress?.({ repeats: run + 1, of: repeats });
  }
  let rest = target;
  for (let i = 0; i < count; i++) {
    rest = rest.sub(damped(i, sum).mul(shares[i]));
    await breathe();
  }
  const residual = size === 0 ? 0 : (await lengthOf(rest)) / size;
  const converged = residual <= rtol;
  return {
    x: unravel(sum),
    standardError: unravel(
      squares
        .div(repeats - 1)
        .div(repeats)
        .sqrt(),
    ),
    iterations: steps,
    stepSize: s,
    residual,
    converged,
    status: converged ? "converged" : "maxIter",
    products: products + repeats * steps + count,
  };
}

const caller = "lissa";
const lookEvery = 32;

function operatorAt<X>(operators: OperatorList<X>, i: number, n: number): LinearOperator<X> {
  const operator = operators.at(i);
  expectArguments(caller, { [`operators[${i}]`]: [operator, "operator"] });
  const size = squareSize(operator!, caller);
  if (size === n) return operator!;
  throw new ShapeError(`${caller}: operators[${i}] is ${size} × ${size}, b has ${n} elements; wants the same number.`);
}

/** Weights that sum to 1. */
function sharesOf(weights: readonly number[] | undefined, count: number): readonly number[] {
  if (weights === undefined) return new Array<number>(count).fill(1 / count);
  if (weights.length !== count) {
    throw new ShapeError(`${caller}: weights has length ${weights.length}; wants ${count}, one for each operator.`);
  }
  const list = Array.from(weights);
  const wrong = list.findIndex((w) => !(w > 0 && w < Infinity));
  if (wrong >= 0) {
    throw new DomainError(`${caller}: weights[${wrong}] is ${list[wrong]}; wants a finite number > 0.`);
  }
  const total = list.reduce((a, b) => a + b);
  return list.map((w) => w / total);
}

/** Numbers of operators, each drawn by its share. */
async function drawn(key: random.Key, shares: readonly number[], steps: number): Promise<Int32Array> {
  const bits = await random.uniform(key, { shape: [steps] }).data();
  let total = 0;
  const ends = shares.map((share) => (total += share));
  return Int32Array.from(bits, (u) => {
    const at = ends.findIndex((end) => u < end);
    return at < 0 ? shares.length - 1 : at;
  });
}

/** ‖xₖ‖ ≤ (k + 1) ‖b‖ if no step stretches. */
function refuseGrowth(
  length: number,
  size: number,
  { step, run, s }: { readonly step: number; readonly run: number; readonly s: number },
): void {
  if (length <= (step + 1) * size * (1 + 1e-3)) return;
  throw new ConvergenceError(
    `${caller}: diverges: after ${step} steps of run ${run} the sum is ${length / size} times as long as b, where no contraction reaches ${step + 1}: an operator has eigenvalues below −damping or above 2/stepSize − damping; wants positive semi-definite operators, a larger damping, or a stepSize below ${s}.`,
  );
}

async function lengthOf(x: Tensor): Promise<number> {
  return x.square().sum().sqrt().item();
}
