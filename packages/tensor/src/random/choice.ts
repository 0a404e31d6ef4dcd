/** Drawing from a finite population. */

import { defaultDType, isFloat, type FloatDType } from "../dtype.js";
import { DomainError, ShapeError } from "../errors.js";
import { tensor, zeros } from "../create.js";
import { cumsum } from "../ops/cumulative.js";
import { take } from "../ops/gather.js";
import { logicalAnd } from "../ops/elementwise.js";
import { castTo } from "../ops/operands.js";
import { where } from "../ops/select.js";
import { topK } from "../ops/sort.js";
import { check } from "../primitives/check.js";
import { checkShape, formatShape, normalizeAxis, sizeOf, type Shape } from "../shape.js";
import { isTensor, type Tensor } from "../tensor.js";
import type { ShapeOption } from "./bits.js";
import { gumbel } from "./gumbel.js";
import { checkKey, type Key } from "./key.js";
import { checkCount, checkDomain, nonNegative } from "./parameters.js";
import { permutation } from "./permutation.js";
import { randint } from "./randint.js";
import { unitUniform } from "./uniform.js";

export interface ChoiceOptions extends ShapeOption {
  /** Whether the same member may be drawn twice. Default true. */
  readonly replace?: boolean;
  /** Weights of the members, ≥ 0, one axis; they need not add up to 1. Default: equal. */
  readonly p?: Tensor | readonly number[];
  /** Axis of the members. Default 0. */
  readonly axis?: number;
}

/**
 * Members of a population: of 0 … n − 1 (int32), or of the slices of a tensor along an axis, which `shape` then replaces.
 *
 * @param population - A count ≥ 1 or a tensor with at least one axis.
 * @throws DomainError for more draws without replacement than members, or weights that are negative or all 0.
 *
 * @example
 * random.choice(key, rows, { shape: [32], replace: false }); // a batch
 */
export function choice(k: Key, population: number | Tensor, options: ChoiceOptions = {}): Tensor {
  const { shape = [], replace = true, p, axis = 0 } = options;
  checkKey(k, "choice");
  checkShape(shape, "choice");
  if (!isTensor(population)) checkCount("choice", "population", population, 0);
  else if (population.rank === 0) {
    throw new DomainError("choice: population is a scalar tensor; wants a number or at least one axis.");
  }
  const at = isTensor(population) ? normalizeAxis(axis, population.rank, "choice") : 0;
  const members = isTensor(population) ? population.shape[at] : population;
  const draws = sizeOf(shape);
  if (members === 0 && draws > 0) throw new DomainError("choice: population is empty.");
  if (!replace && draws > members) {
    throw new DomainError(`choice: ${draws} draws without replacement from ${members} members.`);
  }
  const indices = p === undefined ? uniformly(k, members, shape, replace) : weighted(k, p, members, shape, replace);
  return isTensor(population) ? take(population, indices, at) : indices;
}

function uniformly(k: Key, members: number, shape: Shape, replace: boolean): Tensor {
  if (replace) return randint(k, 0, Math.max(1, members), { shape });
  return permutation(k, members)
    .slice([0, sizeOf(shape)])
    .reshape(shape);
}

function weighted(k: Key, p: Tensor | readonly number[], members: number, shape: Shape, replace: boolean): Tensor {
  const given = isTensor(p) ? p : tensor(p);
  const weights = isFloat(given.dtype) ? given : castTo(given, defaultDType());
  if (weights.rank !== 1 || weights.shape[0] !== members) {
    throw new ShapeError(`choice: p has shape ${formatShape(weights.shape)}; wants [${members}].`);
  }
  const draws = sizeOf(shape);
  checkDomain("choice", "p", weights, nonNegative);
  check([weights], [1], (elements) => {
    const possible = elements.filter((v) => v > 0).length;
    if (possible >= (replace ? Math.min(1, draws) : draws)) return null;
    return new DomainError(`choice: p has ${possible} members with a weight > 0; wants ${replace ? 1 : draws}.`);
  });
  const dtype = weights.dtype as FloatDType;
  if (!replace) {
    // The k largest of log p + Gumbel noise are k draws without replacement.
    return topK(weights.log().add(gumbel(k, { shape: [members], dtype })), draws).indices.reshape(shape);
  }
  const sums = cumsum(weights, 0);
  const total = sums.slice(-1);
  // In (0, total], so that a member of weight 0 is never met.
  const level = unitUniform(k, shape, dtype).neg().add(1).mul(total);
  return countBelow(sums, level);
}

/** How many of the ascending `sums` are below each level: a binary search for all levels at once. */
function countBelow(sums: Tensor, levels: Tensor): Tensor {
  const n = sums.size;
  let count = zeros(levels.shape, { dtype: "int32" });
  for (let step = 2 ** Math.floor(Math.log2(Math.max(1, n))); step >= 1; step /= 2) {
    const more = count.add(step);
    const below = take(sums, more.sub(1), 0, { mode: "clip" }).less(levels);
    count = where(logicalAnd(more.lessEqual(n), below), more, count);
  }
  return count;
}
