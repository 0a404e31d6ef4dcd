/** What a loss is the mean over: examples in memory, whole or in batches, or batches that are loaded again for every pass. */

import { expectArguments } from "@curv/linsolve";
import { DomainError, scan, ShapeError, tensor, type Tensor } from "@curv/tensor";
import { leavesWithPath, map } from "@curv/tensor/tree";
import { asVector, compiled } from "./transforms.js";

const brand: unique symbol = Symbol("batches");

/**
 * Examples in batches. A mean over them weighs each batch by its number of examples, a short last one too, so that it does not depend on
 * how they are cut.
 */
export interface Batches<B> {
  /** @internal */
  readonly [brand]: true;
  /** All the examples in memory, or what loads them. */
  readonly source: { readonly examples: B } | "loader";
  /** Examples in a batch; 0 for those of a loader, which says itself. */
  readonly batchSize: number;
  /** The batches in order, the same ones in every pass. */
  readonly each: () => Iterable<B>;
}

/** Examples: a tree of tensors with one leading axis, or {@link Batches} of such trees; null for a function of the parameters alone. */
export type Data<B> = B | Batches<B>;

/**
 * Examples in memory, `batchSize` at a time: less memory for the pass over them, and the same numbers to rounding.
 *
 * @param examples - A tree of tensors whose first axes are the examples.
 * @throws ShapeError where the lengths differ or there are no examples; DomainError for a size that is no positive integer.
 *
 * @example
 * const operator = hessianOperator(loss, params, inBatches({ inputs, targets }, { batchSize: 64 }));
 */
export function inBatches<B>(examples: B, options: { readonly batchSize: number }): Batches<B> {
  const count = examplesIn(examples, "inBatches", "examples");
  const { batchSize } = (options ?? {}) as typeof options;
  if (!Number.isInteger(batchSize) || batchSize < 1) {
    throw new DomainError(
      `inBatches: batchSize is ${batchSize}; wants a positive integer in the options, as { batchSize: 64 }.`,
    );
  }
  return {
    [brand]: true,
    source: { examples },
    batchSize: Math.min(batchSize, count),
    *each() {
      for (let from = 0; from < count; from += batchSize) {
        yield rows(examples, from, Math.min(count, from + batchSize));
      }
    },
  };
}

/**
 * Batches that `load` yields, anew for every pass: the same ones in the same order each time. Operators on them cannot be compiled into a
 * solver (`eager`); each batch is.
 *
 * @example
 * fromLoader(function* () {
 *   for (const file of files) yield read(file);
 * });
 */
export function fromLoader<B>(load: () => Iterable<B>): Batches<B> {
  expectArguments("fromLoader", { load: [load, "function"] });
  return { [brand]: true, source: "loader", batchSize: 0, each: load };
}

/** Data as batches: those that are not, in one. */
export function asBatches<B>(data: Data<B>, caller: string): Batches<B> {
  if (typeof data === "object" && data !== null && brand in data) return data;
  const count = examplesIn(data, caller);
  return { [brand]: true, source: { examples: data }, batchSize: count, each: () => [data] };
}

/** Refuses null, where a function of the parameters alone is not enough. */
export function refuseNoData(data: unknown, caller: string): void {
  if (data === null) throw new DomainError(`${caller}: data is null; wants examples, or batches of them.`);
}

/** The same for data with inputs; those of a loader are its own affair. */
export function asInputBatches<B extends { readonly inputs: unknown }>(data: Data<B>, caller: string): Batches<B> {
  const batches = asBatches(data, caller);
  const { source } = batches;
  if (source !== "loader") {
    const { inputs } = (source.examples ?? {}) as Partial<B>;
    expectArguments(caller, { "data.inputs": [inputs, "tree"] });
  }
  return batches;
}

/** The number of examples in a tree; null, the data of a function of the parameters alone, counts as one. */
export function examplesIn(batch: unknown, caller: string, argument = "data"): number {
  if (batch === null) return 1;
  expectArguments(caller, { [argument]: [batch, "tree"] });
  const leaves = leavesWithPath(batch as never);
  const [first] = leaves;
  for (const { path, leaf } of leaves) {
    const name = [argument, ...path].join(".");
    if (leaf.rank === 0) throw new ShapeError(`${caller}: ${name} is a scalar; wants a first axis, of examples.`);
    if (leaf.shape[0] !== first.leaf.shape[0]) {
      throw new ShapeError(
        `${caller}: ${name} has ${leaf.shape[0]} examples, ${[argument, ...first.path].join(".")} has ${first.leaf.shape[0]}; wants one number of examples.`,
      );
    }
  }
  if (first.leaf.shape[0] === 0) throw new ShapeError(`${caller}: the data hold no examples; wants at least one.`);
  return first.leaf.shape[0];
}

/** Examples `from` to `to` of a tree. */
export function rows<B>(examples: B, from: number, to: number): B {
  const part = (x: Tensor): Tensor => x.slice([from, to]);
  return map(part as never, examples as never);
}

/** A function of (x, batch, place of the batch), and what it is the mean of over the examples, as a function of x. */
export interface MeanOverExamples<X, Y> {
  readonly mean: (x: X) => Y;
  /** Whether it cannot be traced: it reads the batches anew. */
  readonly eager: boolean;
}

/**
 * x ↦ the mean over all examples of f, where f(batch, place) gives x ↦ the mean over a batch.
 *
 * What f does before it is given x is done once if there is one batch in memory. Several batches in memory are one compiled loop.
 */
export function meanOverExamples<B, X, Y>(
  { source, batchSize, each }: Batches<B>,
  f: (batch: B, place: Tensor | number) => (x: X) => Y,
  caller: string,
): MeanOverExamples<X, Y> {
  if (source === "loader") return { eager: true, mean: meanOverLoaded(each, f, caller) };
  const { examples } = source;
  const count = examplesIn(examples, caller);
  const full = Math.floor(count / batchSize);
  if (full === 1 && count === batchSize) return { eager: false, mean: compiled(f(examples, 0)) };
  const weight = batchSize / count;
  const mean = (x: X): Y => {
    const { vector: first, unravel } = asVector(f(rows(examples, 0, batchSize), 0)(x));
    let total = first.mul(weight);
    if (full > 1) {
      [total] = scan(
        ((sum: Tensor, [batch, place]: readonly [B, Tensor]) =>
          [sum.add(asVector(f(batch, place)(x)).vector.mul(weight)), place] as const) as never,
        total as never,
        [stacked(examples, full, batchSize), placesFrom1(full)] as never,
      ) as unknown as readonly [Tensor];
    }
    if (full * batchSize === count) return unravel(total);
    const rest = asVector(f(rows(examples, full * batchSize, count), full)(x)).vector;
    return unravel(total.add(rest.mul(1 - full * weight)));
  };
  return { eager: false, mean: compiled(mean) };
}

/** All full batches but the first, along a new first axis. */
function stacked<B>(examples: B, full: number, batchSize: number): B {
  const part = (x: Tensor): Tensor =>
    x.slice([batchSize, full * batchSize]).reshape([full - 1, batchSize, ...x.shape.slice(1)]);
  return map(part as never, examples as never);
}

function placesFrom1(full: number): Tensor {
  return tensor(Int32Array.from({ length: full - 1 }, (_, i) => i + 1));
}

function meanOverLoaded<B, X, Y>(
  each: () => Iterable<B>,
  f: (batch: B, place: Tensor | number) => (x: X) => Y,
  caller: string,
): (x: X) => Y {
  const ofBatch = compiled((batch: B, place: Tensor, x: X) => f(batch, place)(x));
  let before = 0;
  return (x) => {
    let sum: { readonly vector: Tensor; readonly unravel: (vector: Tensor) => Y } | null = null;
    let [place, count] = [0, 0];
    for (const batch of each()) {
      const size = examplesIn(batch, caller);
      const value = asVector(ofBatch(batch, tensor(place, { dtype: "int32" }), x));
      const part = value.vector.mul(size);
      sum = { vector: sum === null ? part : sum.vector.add(part), unravel: value.unravel };
      place++;
      count += size;
    }
    if (sum === null)
      throw new DomainError(`${caller}: the loader yields no batch; wants at least one, in every pass.`);
    if (before !== 0 && before !== count) {
      throw new DomainError(
        `${caller}: the loader yields ${count} examples, and ${before} in an earlier pass; wants the same ones in every pass.`,
      );
    }
    before = count;
    return sum.unravel(sum.vector.div(count));
  };
}
