/**
 * Softmax and log-sum-exp in one pass over a row: m = max x and Σ exp(x − m), which a program writes as two reductions with operations
 * between them, become one reduction that carries both (Milakov & Gimelshein, "Online normalizer calculation for softmax", 2018). What
 * comes before the row (costs less potentials, scaled) is computed as it is read.
 *
 * Equations are rewritten before anything is lowered: what only the second reduction needed is then needed no more.
 */

import { isTensor, type Atom, type Equation, type Primitive } from "@curv/tensor";
import { sizeOf } from "../view.js";
import type { Lower } from "./lowering.js";
import { paramsOf } from "./lowering.js";
import { maxSumExp } from "./reduce.js";

const reduction: Primitive = { name: "maxSumExp", id: -1, shape: ([x]) => [x, x] };

/** How what this file puts into a plan is lowered. */
export const onePassLowerings: ReadonlyMap<Primitive, Lower> = /* @__PURE__ */ new Map([[reduction, maxSumExp]]);

/** The equations with such pairs of reductions in one, where the maximum stands. */
export function inOnePass(equations: readonly Equation[]): Equation[] {
  const makers = new Map<Atom, Equation>();
  for (const equation of equations) for (const out of equation.outputs) makers.set(out, equation);
  /** What becomes of each maximum. */
  const both = new Map<Equation, Equation>();
  const gone = new Set<Equation>();
  for (const equation of equations) {
    const pair = pairOf(equation, makers);
    if (pair === null || both.has(pair.max)) continue;
    const { max, guarded } = pair;
    const params = { ...paramsOf<object>(max), guarded };
    both.set(max, { primitive: reduction, params, inputs: max.inputs, outputs: [...max.outputs, ...equation.outputs] });
    gone.add(equation);
  }
  return equations.filter((equation) => !gone.has(equation)).map((equation) => both.get(equation) ?? equation);
}

interface Pair {
  /** The equation of the maximum that is subtracted. */
  readonly max: Equation;
  readonly guarded: boolean;
}

/** Σ exp(x − m) over the axes over which m is the maximum of x; null if the equation is something else. */
function pairOf(sum: Equation, makers: ReadonlyMap<Atom, Equation>): Pair | null {
  const maker = (atom: Atom, name: string): Equation | null => {
    const equation = makers.get(atom);
    return equation?.primitive.name === name ? equation : null;
  };
  if (sum.primitive.name !== "sum") return null;
  const difference = maker(maker(sum.inputs[0], "exp")?.inputs[0] ?? sum.inputs[0], "sub");
  if (difference === null || maker(sum.inputs[0], "exp") === null) return null;
  const [x, shift] = difference.inputs;
  const { axes } = paramsOf<{ axes: readonly number[] }>(sum);
  const kept = x.shape.map((n, axis) => (axes.includes(axis) ? 1 : n));
  if (sizeOf(x.shape) === 0 || difference.outputs[0].shape.join() !== x.shape.join() || shift.shape.join() !== kept.join()) return null; // prettier-ignore

  /** The equation of the maximum of which this is a copy, or which it is where that is finite. */
  const maximum = (atom: Atom, guarded: boolean): Pair | null => {
    const equation = makers.get(atom);
    switch (equation?.primitive.name) {
      case "stopGradient":
        return maximum(equation.inputs[0], guarded);
      case "reshape":
        return equation.outputs[0].shape.join() === kept.join() ? maximum(equation.inputs[0], guarded) : null;
      case "select":
        return guarded || !isGuard(equation, makers) ? null : maximum(equation.inputs[1], true);
      case "max": {
        const over = paramsOf<{ axes: readonly number[] }>(equation).axes;
        const same =
          equation.inputs[0] === x && over.length === axes.length && over.every((axis) => axes.includes(axis));
        return same ? { max: equation, guarded } : null;
      }
      default:
        return null;
    }
  };
  return maximum(shift, false);
}

/** select(m − m = 0, m, 0): m where it is finite. */
function isGuard({ inputs: [mask, m, zero] }: Equation, makers: ReadonlyMap<Atom, Equation>): boolean {
  const equal = makers.get(mask);
  const difference = makers.get(equal?.inputs[0] ?? mask);
  return (
    equal?.primitive.name === "equal" &&
    difference?.primitive.name === "sub" &&
    difference.inputs[0] === m &&
    difference.inputs[1] === m &&
    isZero(equal.inputs[1], makers) &&
    isZero(zero, makers)
  );
}

function isZero(atom: Atom, makers: ReadonlyMap<Atom, Equation>): boolean {
  if (isTensor(atom)) {
    return atom.size === 1 && atom.owner?.kind === "cpu" && Number((atom.buffer as ArrayLike<number>)[0]) === 0;
  }
  const maker = makers.get(atom);
  return maker?.primitive.name === "full" && paramsOf<{ value: number }>(maker).value === 0;
}
