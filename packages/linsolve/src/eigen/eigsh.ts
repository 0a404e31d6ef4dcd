/** Eigenpairs at the ends of a symmetric operator's spectrum, by the thick-restart Lanczos method. */

import {
  concat,
  DomainError,
  dynamicUpdateSlice,
  jit,
  ShapeError,
  take,
  tensor,
  where,
  zeros,
  type Tensor,
} from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { expectOptions } from "../arguments.js";
import type { DriverOptions } from "../iteration.js";
import type { AnyOperator } from "../linear-operator.js";
import { square } from "../operators/algebra.js";
import { norm, productError, refuseAsymmetric, refuseStart } from "../system.js";
import { combinations, orthogonalise } from "./lanczos.js";
import { symmetricEigen } from "./symmetric-eigen.js";

/** Which end: the largest, the smallest, those of largest magnitude, or half from each end. */
export type Which = "largest" | "smallest" | "magnitude" | "bothEnds";

export interface EigshCoreOptions {
  /** How many eigenpairs. Default 6, and at most n. */
  readonly k?: number;
  /** Default "largest". */
  readonly which?: Which;
  /** Vectors in memory. Default max(2k + 1, 20), and at most n. */
  readonly basisSize?: number;
  /** A pair has converged when ‖A v − λ v‖ ≤ tol |λ|. Default 1e-10 in float64, 1e-5 in float32. */
  readonly tol?: number;
  /** Most products with A. Default 100·basisSize, or 10 n if that is more. */
  readonly maxProducts?: number;
  /** Where to start [n]. Default random, from `key`. */
  readonly start?: Tensor;
  /** Default key(0). */
  readonly key?: random.Key;
}

export interface EigshOptions extends EigshCoreOptions, Omit<DriverOptions, "onProgress"> {
  /**
   * Look for further copies of multiple eigenvalues, which a Krylov space of one vector does not hold, by another run beside the vectors that
   * were found. Default true.
   */
  readonly verifyMultiplicity?: boolean;
  /** Refuse an operator that is not symmetric, by two products. Default true. */
  readonly check?: boolean;
  /** Called after each restart. */
  readonly onProgress?: (progress: { readonly products: number; readonly converged: number }) => void;
}

export interface EigshResult {
  /** The most wanted first [k]: descending for "largest" and by magnitude, ascending for "smallest", ends by turns for "bothEnds". */
  readonly values: Tensor;
  /** Orthonormal columns [n, k]; `a.domain.unravel` makes a tree of one. */
  readonly vectors: Tensor;
  /** ‖A v − λ v‖ of each pair, computed anew [k]. */
  readonly residuals: Tensor;
  readonly converged: boolean;
  /** `maxProducts` where the products were used up. */
  readonly status: "converged" | "maxProducts";
  readonly restarts: number;
  /** Products with A until the pairs had converged. */
  readonly products: number;
  /** Products that looked for further copies, and that computed the residuals. */
  readonly verificationProducts: number;
}

/**
 * k eigenpairs of symmetric A at the ends of its spectrum: Lanczos with full reorthogonalisation, restarted with the best Ritz vectors. One
 * product a step and about 4·n·basisSize flops beside it; `basisSize` vectors of memory.
 *
 * @throws DomainError for a k or basisSize that does not fit, for an operator that is not symmetric, or for a product with NaN.
 * Source: Wu & Simon, Thick-restart Lanczos method for large symmetric eigenvalue problems (2000).
 */
export async function eigsh(a: AnyOperator, options: EigshOptions = {}): Promise<EigshResult> {
  const caller = "eigsh";
  const { k, which, basisSize, tol, maxProducts, start, againKey } = checkedEigsh(a, options, caller);
  const { verifyMultiplicity = true, signal, onProgress } = options;
  const n = a.shape[1];
  if (options.check !== false) await refuseAsymmetric(a, caller);

  const none = zeros([0, n], { dtype: a.dtype });
  const run: Run = { a, which, tol, signal, onProgress, key: againKey, limit: maxProducts, basisSize };
  const found = await thickRestart(run, k, none, start);
  let { pairs } = found;
  let verification = 0;
  if (verifyMultiplicity && found.converged) {
    for (let round = 0; pairs.values.length < n; round++) {
      const beside = random.normal(random.foldIn(againKey, 1000 + round), { shape: [n], dtype: a.dtype });
      const size = Math.min(basisSize, n - pairs.values.length);
      const last = pairs.values[pairs.values.length - 1];
      const useless = {
        largest: (value: number, bound: number) => value + bound < last,
        smallest: (value: number, bound: number) => value - bound > last,
        magnitude: (value: number, bound: number) => Math.abs(value) + bound < Math.abs(last),
        bothEnds: () => false,
      }[which];
      const more = await thickRestart(
        { ...run, basisSize: size, onProgress: undefined, useless },
        which === "bothEnds" ? Math.min(2, size) : 1,
        pairs.vectors,
        beside,
      );
      verification += more.products;
      const merged = best(merge(pairs, more.pairs), which, k);
      // Nothing that is wanted more than what is there; one that is equal to the least changes nothing.
      const least = merged.dropped ?? NaN;
      const gained = merged.pairs.values.some(
        (value, place) => merged.isNew[place] && Math.abs(value - least) > tol * Math.abs(value),
      );
      if (!more.converged || !gained) break;
      pairs = merged.pairs;
    }
  }
  // In the order in which they are wanted.
  const { pairs: sorted } = best(pairs, which, k);
  const vectors = sorted.vectors;
  const images = a.matmat(vectors.transpose());
  const values = tensor(sorted.values, { dtype: a.dtype });
  const residuals = images.sub(vectors.transpose().mul(values)).square().sum(0).sqrt();
  return {
    values,
    vectors: vectors.transpose(),
    residuals,
    converged: found.converged,
    status: found.converged ? "converged" : "maxProducts",
    restarts: found.restarts,
    products: found.products,
    verificationProducts: verification + k,
  };
}

/** Options with their defaults. */
export interface EigshProblem extends Required<Omit<EigshCoreOptions, "key">> {
  /** For the vectors that take the place of those of an exhausted space. */
  readonly againKey: random.Key;
}

/** Looks at all arguments. */
export function checkedEigsh(a: AnyOperator, options: EigshCoreOptions, caller: string): EigshProblem {
  square(a, caller);
  expectOptions(caller, options, {
    k: "number", which: "text", basisSize: "number", tol: "number", maxProducts: "number", start: "tensor", key: "key",
  }); // prettier-ignore
  const n = a.shape[1];
  const float64 = a.dtype === "float64";
  const { k = Math.min(6, n), which = "largest", tol = float64 ? 1e-10 : 1e-5, key = random.key(0) } = options;
  const { basisSize = Math.min(n, Math.max(2 * k + 1, 20)) } = options;
  const { maxProducts = Math.max(100 * basisSize, 10 * n) } = options;
  if (!Number.isInteger(k) || k < 1 || k > n)
    throw new DomainError(`${caller}: k is ${k}; wants an integer from 1 to ${n}.`);
  if (!Number.isInteger(basisSize) || basisSize > n || basisSize < Math.min(n, k + 2)) {
    throw new DomainError(`${caller}: basisSize is ${basisSize}; wants an integer from ${Math.min(n, k + 2)} to ${n}.`);
  }
  if (!["largest", "smallest", "magnitude", "bothEnds"].includes(which)) {
    throw new DomainError(
      `${caller}: which is ${JSON.stringify(which)}; wants "largest", "smallest", "magnitude" or "bothEnds".`,
    );
  }
  if (!(tol >= 0)) throw new DomainError(`${caller}: tol is ${tol}; wants a number >= 0.`);
  if (!(maxProducts >= 1)) throw new DomainError(`${caller}: maxProducts is ${maxProducts}; wants a number >= 1.`);
  const [startKey, againKey] = random.split(key);
  const start = options.start ?? random.normal(startKey, { shape: [n], dtype: a.dtype });
  if (start.rank !== 1 || start.shape[0] !== n) {
    throw new ShapeError(`${caller}: start has shape [${start.shape.join(", ")}]; wants [${n}].`);
  }
  refuseStart(start, caller);
  return { k, which, basisSize, tol, maxProducts, start, againKey };
}

/** Eigenvalues, and orthonormal rows [count, n]. */
interface Pairs {
  readonly values: readonly number[];
  readonly vectors: Tensor;
}

interface Run {
  readonly a: AnyOperator;
  readonly which: Which;
  readonly tol: number;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: EigshOptions["onProgress"];
  readonly key: random.Key;
  readonly limit: number;
  readonly basisSize: number;
  /** Ends the run when the most wanted value, known to `bound`, is of no use. */
  readonly useless?: (value: number, bound: number) => boolean;
}

interface Found {
  readonly pairs: Pairs;
  readonly converged: boolean;
  readonly products: number;
  readonly restarts: number;
}

/** A basis with one more vector, and what the product gave of T. */
export interface Expanded {
  readonly basis: Tensor;
  readonly along: Tensor;
  readonly length: Tensor;
  readonly image: Tensor;
}

type Expand = (image: Tensor, basis: Tensor, j: Tensor) => Expanded;

/** What is left of the image of row j of a basis, beside it and beside `locked` rows, as the row after it. */
export function expandBasis(image: Tensor, basis: Tensor, j: Tensor, locked: Tensor | null): Expanded {
  const free = locked === null ? image : orthogonalise(image, locked).rest;
  const { rest, along } = orthogonalise(free, basis);
  const length = norm(rest);
  const next = rest.div(where(length.equal(0), 1, length));
  return { basis: dynamicUpdateSlice(basis, next.expandDims(0), [j.add(1), 0]), along, length, image: norm(image) };
}

/** The part of v beside orthonormal rows, made as long as 1. */
export function unitBeside(v: Tensor, rows: Tensor, locked: Tensor | null): Tensor {
  const free = locked === null ? v : orthogonalise(v, locked).rest;
  const { rest } = orthogonalise(free, rows);
  return rest.div(norm(rest));
}

/** A step with the product of row j: compiled, but for a product that is compiled already. */
function stepOf(a: AnyOperator, expand: Expand): (basis: Tensor, j: Tensor) => Expanded {
  const whole = (basis: Tensor, j: Tensor): Expanded => expand(a.matvec(take(basis, j, 0)), basis, j);
  if (a.eager) return whole;
  if (!a.compiled) return jit(whole as never) as unknown as typeof whole;
  const compiled = jit(expand as never) as unknown as Expand;
  return (basis, j) => compiled(a.matvec(take(basis, j, 0)), basis, j);
}

/** k pairs of A on the complement of `locked`'s rows. */
async function thickRestart(run: Run, k: number, locked: Tensor, start: Tensor): Promise<Found> {
  const { a, which, tol, signal, onProgress, limit, basisSize: m } = run;
  const n = a.shape[1];
  const epsilon = a.dtype === "float64" ? 2 ** -52 : 2 ** -23;
  const beside = locked.shape[0] === 0 ? null : locked;
  const step = stepOf(a, (image, basis, j) => expandBasis(image, basis, j, beside));

  let basis = zeros([m + 1, n], { dtype: a.dtype });
  basis = dynamicUpdateSlice(basis, unitBeside(start, basis, beside).expandDims(0), [0, 0]);
  // T = V A Vᵀ, row-major.
  const t = new Float64Array(m * m);
  let [size, products, restarts, fresh] = [0, 0, 0, 0];
  for (;;) {
    let last = 0;
    for (; size < m; size++) {
      const expanded = step(basis, tensor(size, { dtype: "int32" }));
      products++;
      const along = await expanded.along.data();
      last = await expanded.length.item();
      const image = await expanded.image.item();
      if (!Number.isFinite(image)) throw productError(products, "eigsh");
      for (let i = 0; i <= size; i++) t[i * m + size] = t[size * m + i] = along[i];
      basis = expanded.basis;
      // The space is invariant: go on beside it, to find what is not in it.
      if (last <= 10 * epsilon * image || image === 0) {
        last = 0;
        if (size + 1 < m) {
          const again = random.normal(random.foldIn(run.key, fresh++), { shape: [n], dtype: a.dtype });
          const rows = basis.slice([0, size + 1]);
          basis = dynamicUpdateSlice(basis, unitBeside(again, rows, beside).expandDims(0), [size + 1, 0]);
        }
      }
      if (products % 16 === 0) {
        await new Promise((resolve) => setTimeout(resolve));
        signal?.throwIfAborted();
      }
    }
    signal?.throwIfAborted();
    const { values, vectors: y } = symmetricEigen(t, m);
    const theta = Array.from(values);
    const order = wantedFirst(theta, which);
    const bound = (i: number): number => last * Math.abs(y[i][m - 1]);
    const small = epsilon ** (2 / 3) * Math.max(...theta.map(Math.abs));
    const isConverged = (i: number): boolean => bound(i) <= Math.max(tol * Math.abs(theta[i]), epsilon * small);
    const wanted = order.slice(0, k);
    const done = wanted.filter(isConverged).length;
    onProgress?.({ products, converged: done });
    const useless = run.useless?.(theta[order[0]], bound(order[0])) ?? false;
    if (done === k || products >= limit || m === n || useless) {
      const vectors = combinations(
        wanted.map((i) => y[i]),
        basis,
      );
      return {
        pairs: { values: wanted.map((i) => theta[i]), vectors },
        converged: done === k || m === n,
        products,
        restarts,
      };
    }
    // Converged pairs beyond k stay as well: they would only be found again.
    const kept = order.slice(0, Math.min(m - 1, k + Math.min(done, Math.floor((m - k) / 2))));
    const rows = combinations(
      kept.map((i) => y[i]),
      basis,
    );
    const residual = basis.slice([m, m + 1]);
    basis = zeros([m + 1, n], { dtype: a.dtype });
    basis = dynamicUpdateSlice(dynamicUpdateSlice(basis, rows, [0, 0]), residual, [kept.length, 0]);
    t.fill(0);
    kept.forEach((i, r) => (t[r * m + r] = theta[i]));
    size = kept.length;
    restarts++;
  }
}

/** The indices of values, the most wanted first. */
function wantedFirst(values: readonly number[], which: Which): number[] {
  const ascending = values.map((_, i) => i).sort((i, j) => values[i] - values[j]);
  switch (which) {
    case "smallest":
      return ascending;
    case "largest":
      return ascending.reverse();
    case "magnitude":
      return ascending.sort((i, j) => Math.abs(values[j]) - Math.abs(values[i]));
    case "bothEnds": {
      const list: number[] = [];
      for (let [low, high] = [0, ascending.length - 1]; low <= high; low++, high--) {
        list.push(ascending[high]);
        if (low < high) list.push(ascending[low]);
      }
      return list;
    }
  }
}

function merge(a: Pairs, b: Pairs): Pairs {
  return { values: [...a.values, ...b.values], vectors: concat([a.vectors, b.vectors], 0) };
}

/** The k that are wanted most, which of them are later ones, and the most wanted of those that are not among them. */
function best(
  pairs: Pairs,
  which: Which,
  k: number,
): { readonly pairs: Pairs; readonly isNew: readonly boolean[]; readonly dropped: number | undefined } {
  const all = wantedFirst(pairs.values, which);
  const order = all.slice(0, k);
  return {
    pairs: { values: order.map((i) => pairs.values[i]), vectors: take(pairs.vectors, order, 0) },
    isNew: order.map((i) => i >= k),
    dropped: pairs.values[all[k]],
  };
}
