/** Products of an operator with many vectors, some at a time: with progress, and a way to stop. */

import { concat, DomainError, ShapeError, type Tensor } from "@curv/tensor";
import { expectOptions, expectArguments, type AnyOperator } from "@curv/linsolve";
import type { Key } from "@curv/tensor/random";
import { breather } from "../breathe.js";
import { compiled } from "../transforms.js";
import { checkDistribution, type ProbeDistribution } from "./probes.js";

/** How products are taken. */
export interface ProductOptions {
  /** Vectors in one vectorised product, each with the memory of one. Default 1 to 16, fewer for more parameters. */
  readonly atOnce?: number;
  /** Stops the run: its promise is rejected with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Called after each vectorised product. */
  readonly onProgress?: (progress: { readonly products: number; readonly of: number }) => void;
}

/** Takes products for one estimate: compiled once, counted, checked, watched. */
export interface Products {
  /** A V, or Aᵀ V. */
  readonly with: (v: Tensor, transposed?: boolean) => Promise<Tensor>;
  /** Most vectors at once. */
  readonly atOnce: number;
}

/**
 * @param expected - How many products there will be in all.
 * @param before - How many of them were taken earlier, by what is gone on from.
 * @throws DomainError for a product with NaN, naming its number.
 */
export function productsOf(
  a: AnyOperator,
  caller: string,
  expected: number,
  options: ProductOptions,
  before = 0,
): Products {
  const n = Math.max(...a.shape);
  const { atOnce = Math.max(1, Math.min(16, Math.floor(2e5 / n))), signal, onProgress } = options;
  if (!Number.isInteger(atOnce) || atOnce < 1) {
    throw new DomainError(`${caller}: atOnce is ${atOnce}; wants a positive integer.`);
  }
  const { forward, backward } = compiledProducts(a);
  let done = before;
  const breathe = breather(signal);
  return {
    atOnce,
    async with(v, transposed = false) {
      const parts: Tensor[] = [];
      for (let from = 0; from < v.shape[1]; from += atOnce) {
        await breathe();
        const to = Math.min(v.shape[1], from + atOnce);
        const part = (transposed ? backward : forward)(v.slice(null, [from, to]));
        // One number tells whether all are finite.
        if (!Number.isFinite(await part.mul(0).sum().item())) {
          throw new DomainError(
            `${caller}: a product of the operator has NaN or an infinity, one of products ${done + 1} to ${done + to - from}.`,
          );
        }
        parts.push(part);
        done += to - from;
        onProgress?.({ products: done, of: expected });
      }
      signal?.throwIfAborted();
      return parts.length === 1 ? parts[0] : concat(parts, 1);
    },
  };
}

interface CompiledProducts {
  readonly forward: (v: Tensor) => Tensor;
  readonly backward: (v: Tensor) => Tensor;
}

const known = /* @__PURE__ */ new WeakMap<AnyOperator, CompiledProducts>();

/** An operator's products, compiled once for all estimates. */
function compiledProducts(a: AnyOperator): CompiledProducts {
  let products = known.get(a);
  if (products === undefined) {
    const make = (f: (v: Tensor) => Tensor): ((v: Tensor) => Tensor) => (a.eager ? f : compiled(f));
    const forward = make((v) => a.matmat(v));
    products = { forward, backward: a.symmetric ? forward : make((v) => a.rmatmat(v)) };
    known.set(a, products);
  }
  return products;
}

/** n of an operator that must be n × n. */
export function squareSize(a: AnyOperator, caller: string): number {
  expectArguments(caller, { a: [a, "operator"] });
  const [rows, columns] = a.shape;
  if (rows !== columns) throw new ShapeError(`${caller}: the operator is ${rows} × ${columns}; wants a square one.`);
  return columns;
}

/** The same, of one whose products with random vectors are to be taken. */
export function probedSize(a: AnyOperator, key: Key, options: object, caller: string): number {
  const n = squareSize(a, caller);
  checkProbing(key, options, caller);
  return n;
}

/** Refuses what is no key, and options of the wrong kind, of functions that take random probes. */
export function checkProbing(key: Key, options: object, caller: string): void {
  expectArguments(caller, { key: [key, "key"] });
  expectOptions(caller, options, {
    probes: "number", products: "number", steps: "number", atOnce: "number", tol: "number", distribution: "text",
    resume: "object",
  }); // prettier-ignore
  checkDistribution((options as { readonly distribution?: ProbeDistribution }).distribution, caller);
}

/** Refuses what is no positive integer. */
export function checkCount(
  value: number,
  caller: string,
  argument: string,
  { least = 1, most = Infinity }: { readonly least?: number; readonly most?: number } = {},
): void {
  if (!Number.isInteger(value) || value < least || value > most) {
    const range = most === Infinity ? `>= ${least}` : `from ${least} to ${most}`;
    throw new DomainError(`${caller}: ${argument} is ${String(value)}; wants an integer ${range}.`);
  }
}

/** Of independent samples with one expectation. */
export function meanAndStandardError(samples: readonly number[]): {
  readonly mean: number;
  /** NaN for one sample. */
  readonly standardError: number;
} {
  const count = samples.length;
  const mean = samples.reduce((a, b) => a + b, 0) / count;
  const squares = samples.reduce((a, b) => a + (b - mean) ** 2, 0);
  return { mean, standardError: count > 1 ? Math.sqrt(squares / (count - 1) / count) : NaN };
}
