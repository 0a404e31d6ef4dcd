/** Power iteration with deflation. */

import {
  check,
  DomainError,
  logicalAnd,
  logicalNot,
  maximum,
  stopGradient,
  tensor,
  where,
  zeros,
  type Tensor,
} from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { expectArguments, expectOptions } from "../arguments.js";
import {
  driveIteration,
  runIteration,
  statusCode,
  type DriverOptions,
  type Iteration,
  type IterationState,
} from "../iteration.js";
import type { AnyOperator } from "../linear-operator.js";
import { square } from "../operators/algebra.js";
import { finite, norm, productError, refuseAsymmetric } from "../system.js";
import { orthogonalise } from "./lanczos.js";

export interface PowerIterationOptions {
  /** For the random starts. */
  readonly key: random.Key;
  /** How many eigenpairs, one after the other. Default 1. */
  readonly k?: number;
  /**
   * A pair has converged when its Rayleigh quotient changes by less than tol·(|λ| + 10⁻⁶) in a step, and what A v − λ v has beside the pairs
   * found before is at most √tol |λ|. Default 1e-3.
   */
  readonly tol?: number;
  /** Most products for each pair. Default 100. */
  readonly maxIter?: number;
}

/** Results of the traceable function. */
export interface PowerIterationCoreResult {
  /** Rayleigh quotients vᵀAv, with their signs, in the order in which they were found [k]. */
  readonly values: Tensor;
  /** Orthonormal columns [n, k]. */
  readonly vectors: Tensor;
  /** ‖A v − λ v‖ of each pair [k]: an eigenvalue is as near as this. */
  readonly residuals: Tensor;
  /** bool: all pairs have. */
  readonly converged: Tensor;
  /** int32: steps, each of one product with A, of all pairs together. */
  readonly iterations: Tensor;
}

export interface PowerIterationResult {
  /** Rayleigh quotients vᵀAv, with their signs, in the order in which they were found [k]. */
  readonly values: Tensor;
  /** Orthonormal columns [n, k]; `a.domain.unravel` makes a tree of one. */
  readonly vectors: Tensor;
  /** ‖A v − λ v‖ of each pair [k]: an eigenvalue is as near as this. */
  readonly residuals: Tensor;
  /** Whether all pairs have. */
  readonly converged: boolean;
  /** `maxIter` where a pair used its steps up. */
  readonly status: "converged" | "maxIter";
  /** Steps of all pairs together. */
  readonly iterations: number;
  /** Products with A: one a step. */
  readonly products: number;
  /** ‖A v − λ v‖ in each step, pair after pair. */
  readonly history: readonly number[];
}

interface State extends IterationState {
  /** Of length 1, and of its image, the part beside the found vectors, made as long. */
  readonly vector: Tensor;
  readonly next: Tensor;
  readonly value: Tensor;
  /** How much `value` changed in the last step, and ‖A v − λ v‖ beside the found vectors; `residual` has all of it. */
  readonly change: Tensor;
  readonly left: Tensor;
  /** Largest ‖A v‖ so far. */
  readonly size: Tensor;
  /** int32: steps of this pair. */
  readonly steps: Tensor;
  /** int32: pairs that were found, and their numbers: rows [k, n], [k] and [k]. */
  readonly found: Tensor;
  readonly vectors: Tensor;
  readonly values: Tensor;
  readonly residuals: Tensor;
  /** int32: pairs that used their steps up. */
  readonly failed: Tensor;
}

/** A pair is a run of steps; its conclusion keeps it, and starts the next one beside it. */
function iterationOf(a: AnyOperator, { key, k, tol, maxIter }: Required<PowerIterationOptions>): Iteration<State> {
  const { dtype } = a;
  const n = a.shape[1];
  const epsilon = dtype === "float64" ? 2 ** -52 : 2 ** -23;
  const places = tensor(Int32Array.from({ length: k }, (_, i) => i));
  const none = zeros([], { dtype: "int32" });
  const zero = zeros([], { dtype });
  const unit = (v: Tensor): Tensor => v.div(norm(v));
  const startOf = (pair: Tensor, vectors: Tensor): Pick<State, "vector" | "next" | "value" | "change" | "steps"> => {
    const drawn = random.normal(random.foldIn(key, pair), { shape: [n], dtype });
    const next = unit(orthogonalise(drawn, vectors).rest);
    return { vector: next, next, value: zero, change: zero.add(Infinity), steps: none };
  };
  /**
   * The change alone, |λ − λ'| < tol |λ|, does not tell a pair from two vectors that take turns, as those of λ and −λ do: their quotient does
   * not change at all. For a positive semi-definite A the second inequality follows from the first, near the end: in the direction of λ₂ =
   * q·λ₁ an error e leaves a residual e·(1 − q) λ₁, and changes the quotient by e²(1 − q)²(1 + q) λ₁.
   */
  const settled = ({ value, change, left, size }: State): Tensor =>
    logicalAnd(
      change.less(value.abs().add(1e-6).mul(tol)),
      left.lessEqual(
        value
          .abs()
          .mul(Math.sqrt(tol))
          .add(size.mul(10 * epsilon)),
      ),
    );
  const vectors = zeros([k, n], { dtype });
  const start: State = {
    ...startOf(none, vectors),
    left: zero,
    residual: zero,
    size: zero,
    found: none,
    vectors,
    values: zeros([k], { dtype }),
    residuals: zeros([k], { dtype }),
    failed: none,
    iterations: none,
    status: none,
  };
  return {
    name: "powerIteration",
    start,
    goesOn: (s) => logicalAnd(s.steps.less(maxIter), logicalAnd(logicalNot(settled(s)), finite(s.residual))),
    step: (s) => {
      const { next: v, vectors: before } = s;
      const image = a.matvec(v);
      const value = v.mul(image).sum();
      const { rest } = orthogonalise(image, before);
      const length = norm(rest);
      const size = maximum(s.size, norm(image));
      // What is taken to zero, but for rounding, stays: there is no direction in what is left.
      const stays = length.lessEqual(size.mul(10 * epsilon));
      return {
        ...s,
        vector: v,
        next: where(stays, v, rest.div(where(stays, 1, length))),
        value,
        change: where(s.steps.equal(0), Infinity, value.sub(s.value).abs()),
        left: norm(rest.sub(v.mul(value))),
        residual: norm(image.sub(v.mul(value))),
        size,
        steps: s.steps.add(1),
        iterations: s.iterations.add(1),
      };
    },
    conclude: (s) => {
      const here = places.equal(s.found).cast(dtype);
      const rows = s.vectors.add(here.expandDims(1).mul(s.vector));
      const found = s.found.add(1);
      const failed = s.failed.add(logicalNot(settled(s)).cast("int32"));
      const ended = where(failed.equal(0), statusCode("converged"), statusCode("maxIter"));
      const status = where(found.less(k), 0, ended);
      return {
        ...s,
        ...startOf(found, rows),
        found,
        vectors: rows,
        values: s.values.add(here.mul(s.value)),
        residuals: s.residuals.add(here.mul(s.residual)),
        failed,
        status: where(finite(s.residual), status, statusCode("notFinite")).cast("int32"),
      };
    },
  };
}

function checked(a: AnyOperator, options: PowerIterationOptions, caller: string): Required<PowerIterationOptions> {
  square(a, caller);
  expectOptions(caller, options, { k: "number", tol: "number", maxIter: "number" });
  const { key, k = 1, tol = 1e-3, maxIter = 100 } = options;
  expectArguments(caller, { "options.key": [key, "key"] });
  const n = a.shape[1];
  if (!Number.isInteger(k) || k < 1 || k > n) {
    throw new DomainError(`${caller}: k is ${k}; wants an integer from 1 to ${n}.`);
  }
  if (!Number.isInteger(maxIter) || maxIter < 1) {
    throw new DomainError(`${caller}: maxIter is ${maxIter}; wants an integer >= 1.`);
  }
  if (!(tol >= 0)) throw new DomainError(`${caller}: tol is ${tol}; wants a number >= 0.`);
  return { key, k, tol, maxIter };
}

/**
 * The k eigenpairs of largest magnitude of a symmetric A, by power iteration, one after the other: each beside those before it, against
 * which every step is orthogonalised. Vectors converge by |λ₂/λ₁| a step, values by its
 * square; not at all where λ₂ = −λ₁, which `converged` tells: {@link eigsh} needs far
 * fewer products. What is left of a pair is found again in the residuals of those after it.
 *
 * @throws DomainError if A is not symmetric (unless `check` is false), for options that make no sense, or for a product with NaN, naming its
 * number; the signal's reason.
 * Source: the stop and its defaults are PyHessian's (Yao et al. 2020), with a bound on the residual beside it.
 *
 * @example
 * const { values, residuals } = await powerIteration(operator, { key: random.key(0), k: 3 });
 */
export async function powerIteration(
  a: AnyOperator,
  options: PowerIterationOptions & DriverOptions & { readonly check?: boolean },
): Promise<PowerIterationResult> {
  const caller = "powerIteration";
  const { key, ...limits } = checked(a, options, caller);
  if (options.check !== false) await refuseAsymmetric(a, caller);
  const make = (data: { readonly key: random.Key }): Iteration<State> => iterationOf(a, { ...data, ...limits });
  const { state, history } = await driveIteration(make, { key }, a.eager, options, false);
  const iterations = await state.iterations.item();
  const status = await state.status.item();
  if (status === statusCode("notFinite")) throw productError(iterations, caller);
  const converged = status === statusCode("converged");
  return {
    values: state.values,
    vectors: state.vectors.transpose(),
    residuals: state.residuals,
    converged,
    status: converged ? "converged" : "maxIter",
    iterations,
    products: iterations,
    history,
  };
}

/** {@link powerIteration} as a traceable function. That A is symmetric is believed, not tried: see `cgCore`. */
export function powerIterationCore(a: AnyOperator, options: PowerIterationOptions): PowerIterationCoreResult {
  const caller = "powerIterationCore";
  const end = runIteration(iterationOf(a, checked(a, options, caller)));
  check([stopGradient(end.status), end.iterations], [0, 0], ([status], [product]) =>
    status === statusCode("notFinite") ? productError(product, caller) : null,
  );
  return {
    values: end.values,
    vectors: end.vectors.transpose(),
    residuals: end.residuals,
    converged: end.status.equal(statusCode("converged")),
    iterations: end.iterations,
  };
}
