/** The block Lanczos process, for eigenvalues that are multiple or in clusters. */

import {
  check,
  diagonal,
  DomainError,
  dynamicSlice,
  dynamicUpdateSlice,
  logicalAnd,
  matmul,
  maximum,
  ShapeError,
  stopGradient,
  tensor,
  where,
  zeros,
  type Tensor,
} from "@curv/tensor";
import { qr } from "@curv/tensor/linalg";
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
import { productError, refuseNotFinite, refuseStart, symmetryTolerance } from "../system.js";
import { notSymmetric } from "./lanczos.js";

export interface BlockLanczosOptions {
  /** Blocks; at most n/b. */
  readonly steps: number;
  /** For the directions that take the place of those that a block lacks. Default key(0). */
  readonly key?: random.Key;
}

/** Results of the traceable function, for m = steps·b. */
export interface BlockLanczosResult {
  /** T = V A Vᵀ [m, m], symmetric, with blocks beside its diagonal only; zero from `taken`·b on. */
  readonly projected: Tensor;
  /** Orthonormal rows V [m, n]; zero from `taken`·b on. */
  readonly basis: Tensor;
  /** R of what is left after the last step [b, b]: A v − θ v of a Ritz pair (θ, y) of T has the length ‖R y_last‖, of the last b entries of y. */
  readonly rest: Tensor;
  /** int32: steps that were taken, fewer than asked for where the space was exhausted. */
  readonly taken: Tensor;
}

export interface BlockLanczosRun {
  /** T = V A Vᵀ [m, m], m = iterations·b: symmetric, with blocks beside its diagonal only. Its eigenvalues are the Ritz values. */
  readonly projected: Tensor;
  /** Orthonormal rows V [m, n]. */
  readonly basis: Tensor;
  /** R of what is left after the last step [b, b]: A v − θ v of a Ritz pair (θ, y) of T has the length ‖R y_last‖, of the last b entries of y. */
  readonly rest: Tensor;
  /** Whether the space is invariant: the eigenvalues of T are some of A's. */
  readonly converged: boolean;
  /** `maxIter` where all steps were taken, and more would find more. */
  readonly status: "converged" | "maxIter";
  /** Blocks that were taken, fewer than asked for where the space was exhausted. */
  readonly iterations: number;
  /** Products with A: b a step. */
  readonly products: number;
  /** ‖R‖_F. */
  readonly residual: number;
  /** The same after each step. */
  readonly history: readonly number[];
}

interface State extends IterationState {
  readonly basis: Tensor;
  /** The blocks on T's diagonal, halved, and those above. */
  readonly half: Tensor;
  /** Orthonormal columns [n, b], and the R by which they hang together with those before. */
  readonly next: Tensor;
  readonly r: Tensor;
  /** Largest entry of T so far, and of V A Vᵀ − T. */
  readonly size: Tensor;
  readonly skew: Tensor;
  /** int32: the number of the first product that is not finite, or 0. */
  readonly bad: Tensor;
}

/** What is left of columns beside orthonormal rows, and their parts along them: Gram–Schmidt, twice. */
function orthogonalise(w: Tensor, rows: Tensor): { readonly rest: Tensor; readonly along: Tensor } {
  const h1 = matmul(rows, w);
  const once = w.sub(matmul(rows.transpose(), h1));
  const h2 = matmul(rows, once);
  return { rest: once.sub(matmul(rows.transpose(), h2)), along: h1.add(h2) };
}

/**
 * W = Q R with orthonormal columns beside the rows of a basis, for a W that is already beside them. Where columns of W depend on each other, R
 * has rows of zeros, and random directions stand in Q, so that the next block is a full one.
 */
function fullBlock(
  w: Tensor,
  rows: Tensor,
  small: Tensor,
  key: random.Key,
): { readonly q: Tensor; readonly r: Tensor } {
  const { q, r } = qr(w);
  const lacks = diagonal(r).lessEqual(small);
  const drawn = random.normal(key, { shape: w.shape, dtype: w.dtype as "float32" | "float64" });
  const filled = where(lacks, drawn, q);
  // Once more: of a short column the part along the basis is no longer small when it has been made longer.
  const again = qr(orthogonalise(filled, rows).rest);
  return { q: again.q, r: matmul(again.r, where(lacks.expandDims(1), 0, r)) };
}

function iterationOf(
  a: AnyOperator,
  start: Tensor,
  { steps, key = random.key(0) }: BlockLanczosOptions,
): Iteration<State> {
  const { dtype } = a;
  const [n, b] = start.shape;
  const m = steps * b;
  const epsilon = dtype === "float64" ? 2 ** -52 : 2 ** -23;
  const none = zeros([], { dtype: "int32" });
  const zero = zeros([], { dtype });
  const places = tensor(Int32Array.from({ length: b }, (_, i) => i + 1));
  const startNorm = start.square().sum().sqrt();
  const first = fullBlock(start, zeros([m, n], { dtype }), startNorm.mul(10 * epsilon), random.foldIn(key, steps));
  return {
    name: "blockLanczos",
    start: {
      basis: zeros([m, n], { dtype }),
      half: zeros([m, m], { dtype }),
      next: first.q,
      r: zeros([b, b], { dtype }),
      residual: zero.add(1),
      size: zero,
      skew: zero,
      bad: none,
      iterations: none,
      status: none,
    },
    goesOn: ({ iterations, residual, bad }) =>
      logicalAnd(iterations.less(steps), logicalAnd(residual.greater(0), bad.equal(0))),
    step: (s) => {
      const { iterations: j } = s;
      const at = j.mul(b);
      const product = a.matmat(s.next);
      const fine = product.sub(product).sum(0).equal(0);
      const worst = where(fine, b + 1, places).min();
      const basis = dynamicUpdateSlice(s.basis, s.next.transpose(), [at, none]);
      const { rest, along } = orthogonalise(where(fine, product, 0), basis);
      const block = dynamicSlice(along, [at, none], [b, b]);
      const own = block.add(block.transpose()).div(2);
      // A symmetric A has nothing along blocks before the last one; R there, which is zero at first.
      const above = dynamicUpdateSlice(zeros([m, b], { dtype }), s.r.transpose(), [maximum(at.sub(b), 0), none]);
      const column = dynamicUpdateSlice(above, own, [at, none]);
      const size = maximum(s.size, maximum(along.abs().max(), rest.square().sum(0).sqrt().max()));
      const { q, r } = fullBlock(rest, basis, size.mul(10 * epsilon), random.foldIn(key, j));
      return {
        basis,
        half: dynamicUpdateSlice(s.half, dynamicUpdateSlice(above, own.div(2), [at, none]), [none, at]),
        next: q,
        r,
        residual: r.square().sum().sqrt(),
        size,
        skew: maximum(s.skew, along.sub(column).abs().max()),
        bad: where(worst.lessEqual(b), at.add(worst), 0).cast("int32"),
        iterations: j.add(1),
        status: s.status,
      };
    },
    conclude: (s) => {
      const status = where(s.residual.equal(0), statusCode("converged"), statusCode("maxIter"));
      return { ...s, status: where(s.bad.equal(0), status, statusCode("notFinite")).cast("int32") };
    },
  };
}

/** Refuses what cannot be run. */
function checkRun(a: AnyOperator, start: Tensor, options: BlockLanczosOptions, caller: string): void {
  square(a, caller);
  expectArguments(caller, { start: [start, "tensor"] });
  expectOptions(caller, options, { steps: "number", key: "key" });
  const { steps } = options;
  const n = a.shape[1];
  if (start.rank !== 2 || start.shape[0] !== n || start.shape[1] < 1 || start.shape[1] > n) {
    throw new ShapeError(
      `${caller}: start has shape [${start.shape.join(", ")}]; wants [${n}, b], with a b from 1 to ${n}.`,
    );
  }
  const b = start.shape[1];
  if (!Number.isInteger(steps) || steps < 1 || steps * b > n) {
    throw new DomainError(
      `${caller}: steps is ${steps}; wants an integer from 1 to ${Math.floor(n / b)}, for blocks of ${b} in ${n} dimensions.`,
    );
  }
  refuseNotFinite(start.reshape([-1]), caller, "start");
  refuseStart(start.reshape([-1]), caller);
}

/** T from its halves. */
function whole(half: Tensor): Tensor {
  return half.add(half.transpose());
}

function skewError(a: AnyOperator, skew: number, size: number, caller: string): DomainError | null {
  return skew > symmetryTolerance(a) * size ? notSymmetric(skew, size, caller) : null;
}

/**
 * The Lanczos process with blocks of b vectors, for symmetric A, with full reorthogonalisation: an orthonormal basis of the Krylov space of
 * all of them, in which A is block-tridiagonal. A block of b finds up to b copies of a multiple eigenvalue, of which one vector finds one, and
 * clusters of as many earlier; b from 2 to 8 is usual. One product with b vectors a step (`matmat`), and about 4·n·b·m flops beside it.
 *
 * Where vectors of a block depend on each other, random ones beside the basis take their place; it ends before `steps` where all do: the
 * space is invariant.
 *
 * @param start - [n, b], not all zero.
 * @throws DomainError for a zero start, blocks that do not fit into the space, a product with NaN, naming its number, or an operator that its
 * own basis shows not to be symmetric; ShapeError for a start of another shape; the signal's reason.
 * Source: Golub & Underwood, The block Lanczos method for computing eigenvalues (1977); Golub & Van Loan, Matrix computations (2013), §10.3.6.
 *
 * @example
 * const { projected, basis, rest } = await blockLanczos(operator, random.normal(random.key(0), { shape: [n, 4] }), { steps: 20 });
 * const { values, vectors } = eigh(projected); // Ritz values, ascending
 */
export async function blockLanczos(
  a: AnyOperator,
  start: Tensor,
  options: BlockLanczosOptions & DriverOptions,
): Promise<BlockLanczosRun> {
  const caller = "blockLanczos";
  checkRun(a, start, options, caller);
  const { steps, key = random.key(0) } = options;
  const make = (data: { readonly start: Tensor; readonly key: random.Key }): Iteration<State> =>
    iterationOf(a, data.start, { steps, key: data.key });
  const { state, history } = await driveIteration(make, { start, key }, a.eager, options, false);
  const bad = await state.bad.item();
  if (bad > 0) throw productError(bad, caller);
  const error = skewError(a, await state.skew.item(), await state.size.item(), caller);
  if (error !== null) throw error;
  const taken = await state.iterations.item();
  const converged = (await state.status.item()) === statusCode("converged");
  const m = taken * start.shape[1];
  return {
    projected: whole(state.half.slice([0, m], [0, m])),
    basis: state.basis.slice([0, m]),
    rest: state.r,
    converged,
    status: converged ? "converged" : "maxIter",
    iterations: taken,
    products: m,
    residual: await state.residual.item(),
    history,
  };
}

/** {@link blockLanczos} as a traceable function: shapes are those of all steps, whether they were taken or not. */
export function blockLanczosCore(a: AnyOperator, start: Tensor, options: BlockLanczosOptions): BlockLanczosResult {
  const caller = "blockLanczosCore";
  checkRun(a, start, options, caller);
  const end = runIteration(iterationOf(a, start, options));
  check([stopGradient(end.bad)], [0], ([product]) => (product > 0 ? productError(product, caller) : null));
  check([stopGradient(end.skew), stopGradient(end.size)], [0, 0], ([skew], [size]) => skewError(a, skew, size, caller));
  return { projected: whole(end.half), basis: end.basis, rest: end.r, taken: end.iterations };
}
