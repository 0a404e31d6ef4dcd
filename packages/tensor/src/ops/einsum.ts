/** Einstein summation. */

import { DomainError, ShapeError } from "../errors.js";
import { dotPrimitive } from "../primitives/dot.js";
import { range } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { bind1 } from "../transform/trace.js";
import { diagonal } from "./diagonal.js";
import { broadcastTo, moveAxis, transpose } from "./movement.js";
import { describe, unify } from "./operands.js";
import { sum } from "./reduce.js";

/** A tensor whose axes have names. */
interface Labelled {
  readonly x: Tensor;
  readonly axes: readonly string[];
}

/**
 * Sums of products by index letters: `einsum("ij,jk->ik", a, b)` is the matrix product. Without `->` the result has the letters that
 * appear once, in alphabetical order; `...` stands for axes that broadcast; a letter twice in one operand takes the diagonal.
 *
 * Operands are contracted from left to right; for three or more, order them so that early results are small.
 *
 * @throws DomainError for an output letter that no operand has; ShapeError if a letter has two lengths.
 */
export function einsum(equation: string, ...operands: readonly Tensor[]): Tensor {
  if (typeof equation !== "string") throw new DomainError(`einsum: equation is ${describe(equation)}; wants a string.`);
  const [left, right, ...more] = equation.replaceAll(" ", "").split("->");
  if (more.length > 0) throw new DomainError(`einsum: ${JSON.stringify(equation)} has more than one "->".`);
  const terms = left.split(",");
  if (terms.length !== operands.length) {
    throw new DomainError(`einsum: ${JSON.stringify(equation)} has ${terms.length} operands, got ${operands.length}.`);
  }
  const spread = Math.max(
    0,
    ...terms.map((term, i) => (term.includes("...") ? operands[i].rank - (term.length - 3) : 0)),
  );
  const dots = range(spread).map((i) => `.${i}`);
  const parse = (term: string, rank: number, what: string): string[] => {
    const at = term.indexOf("...");
    const letters = [...term.replace("...", "")];
    for (const letter of letters) {
      if (!/[A-Za-z]/.test(letter))
        throw new DomainError(`einsum: ${JSON.stringify(equation)}: ${JSON.stringify(letter)} is no index.`);
    }
    const missing = rank - letters.length;
    if (at < 0 ? missing !== 0 : missing < 0) {
      throw new ShapeError(`einsum: ${what} has ${rank} axes, ${JSON.stringify(term)} names ${letters.length}.`);
    }
    const own = at < 0 ? [] : dots.slice(spread - missing);
    return at < 0 ? letters : [...letters.slice(0, at), ...own, ...letters.slice(at)];
  };
  const labels = terms.map((term, i) => parse(term, operands[i].rank, `operand ${i}`));
  const lengths = new Map<string, { length: number; operand: number }>();
  labels.forEach((axes, i) =>
    axes.forEach((axis, k) => {
      const n = operands[i].shape[k];
      const known = lengths.get(axis);
      if (known === undefined || (known.length === 1 && axis.startsWith(".")))
        lengths.set(axis, { length: n, operand: i });
      else if (known.length !== n && !(n === 1 && axis.startsWith("."))) {
        throw new ShapeError(
          `einsum: index ${JSON.stringify(axis.startsWith(".") ? "..." : axis)} is ${known.length} in operand ${known.operand} and ${n} in operand ${i}.`,
        );
      }
    }),
  );
  const counts = new Map<string, number>();
  for (const axis of labels.flat()) counts.set(axis, (counts.get(axis) ?? 0) + 1);
  const output =
    right === undefined
      ? [
          ...dots,
          ...[...counts]
            .filter(([axis, count]) => count === 1 && !axis.startsWith("."))
            .map(([axis]) => axis)
            .sort(),
        ]
      : outputAxes(right, dots);
  if (dots.some((axis) => !output.includes(axis))) {
    throw new DomainError(`einsum: ${JSON.stringify(equation)}: the result lacks "...", which operands have.`);
  }
  output.forEach((axis, i) => {
    if (!counts.has(axis))
      throw new DomainError(
        `einsum: ${JSON.stringify(equation)}: output index ${JSON.stringify(axis)} is in no operand.`,
      );
    if (output.indexOf(axis) !== i)
      throw new DomainError(`einsum: ${JSON.stringify(equation)}: output index ${JSON.stringify(axis)} appears twice.`);
  });

  const parts = operands.map((x, i) => takeDiagonals({ x: stretch(x, labels[i], lengths), axes: labels[i] }));
  let result = parts[0];
  for (let i = 1; i < parts.length; i++) {
    const later = new Set([...output, ...parts.slice(i + 1).flatMap((p) => p.axes)]);
    result = contract(result, parts[i], later);
  }
  const extra = range(result.axes.length).filter((i) => !output.includes(result.axes[i]));
  const summed = extra.length === 0 ? result.x : sum(result.x, extra);
  const kept = result.axes.filter((axis) => output.includes(axis));
  return transpose(
    summed,
    output.map((axis) => kept.indexOf(axis)),
  );
}

function outputAxes(term: string, dots: readonly string[]): string[] {
  const at = term.indexOf("...");
  const letters = [...term.replace("...", "")];
  return at < 0 ? letters : [...letters.slice(0, at), ...dots, ...letters.slice(at)];
}

/** Axes under "..." of length 1 repeated to their full length. */
function stretch(x: Tensor, axes: readonly string[], lengths: ReadonlyMap<string, { length: number }>): Tensor {
  return broadcastTo(
    x,
    axes.map((axis) => lengths.get(axis)!.length),
  );
}

/** Letters that appear twice in one operand, made one axis. */
function takeDiagonals({ x, axes }: Labelled): Labelled {
  const twice = axes.findIndex((axis, i) => axes.indexOf(axis) !== i);
  if (twice < 0) return { x, axes };
  const first = axes.indexOf(axes[twice]);
  const moved = moveAxis(moveAxis(x, twice, x.rank - 1), first, x.rank - 2);
  const rest = axes.filter((_, i) => i !== first && i !== twice);
  return takeDiagonals({ x: diagonal(moved), axes: [...rest, axes[first]] });
}

/** Product of two operands, summed over the letters that nothing later needs. */
function contract(p: Labelled, q: Labelled, later: ReadonlySet<string>): Labelled {
  const a = dropUnshared(p, q, later);
  const b = dropUnshared(q, p, later);
  const shared = a.axes.filter((axis) => b.axes.includes(axis));
  const batch = shared.filter((axis) => later.has(axis));
  const summed = shared.filter((axis) => !later.has(axis));
  const places = (side: Labelled, names: readonly string[]): number[] => names.map((axis) => side.axes.indexOf(axis));
  const [x, y] = unify(a.x, b.x, "einsum");
  const out = bind1(dotPrimitive, [x, y], {
    contract: [places(a, summed), places(b, summed)],
    batch: [places(a, batch), places(b, batch)],
  });
  const free = (side: Labelled): string[] => side.axes.filter((axis) => !shared.includes(axis));
  return { x: out, axes: [...batch, ...free(a), ...free(b)] };
}

/** Sums the letters that only this operand has and nothing later needs. */
function dropUnshared({ x, axes }: Labelled, other: Labelled, later: ReadonlySet<string>): Labelled {
  const drop = range(axes.length).filter((i) => !other.axes.includes(axes[i]) && !later.has(axes[i]));
  return drop.length === 0 ? { x, axes } : { x: sum(x, drop), axes: axes.filter((_, i) => !drop.includes(i)) };
}
