/** What lowerings share: their type, and kernels whose threads stride over elements. */

import type { Aval, Equation } from "@curv/tensor";
import type { KernelArgument } from "../launch.js";
import { addressOf } from "../plan.js";
import { indexArguments, type Planner } from "../planner.js";
import { sizeOf, wholeView, type View } from "../view.js";

/** Tells the planner what the results of an equation are: views, chains, or arrays that launches write. */
export type Lower = (planner: Planner, equation: Equation) => void;

export const paramsOf = <P>(equation: Equation): P => equation.params as P;

/** Blocks for so many elements. */
function blocksFor(planner: Planner, n: number, threads: number): { x: number } {
  return { x: Math.max(1, Math.min(Math.ceil(n / threads), 16 * planner.options.multiprocessors)) };
}

export interface Kernel {
  readonly source: string;
  readonly name: string;
  readonly n: number;
  readonly threads: number;
  readonly arrays: readonly View[];
  readonly numbers: readonly number[];
  readonly last?: readonly KernelArgument[];
  /** Whether its indices have 64 bits. Default true. */
  readonly wide?: boolean;
}

/** A kernel whose threads stride over n elements. */
export function launchOver(planner: Planner, equation: Equation, kernel: Kernel): void {
  const { source, name, n, threads, arrays, numbers, last = [], wide = true } = kernel;
  planner.launch({
    source,
    name,
    grid: blocksFor(planner, n, threads),
    threads,
    args: [...arrays.map(addressOf), ...indexArguments(wide, numbers), ...last],
    label: `${equation.primitive.name} [${(equation.outputs[0] ?? equation.inputs[0]).shape.join()}]`,
  });
}

export function fresh(planner: Planner, { dtype, shape }: Pick<Aval, "dtype" | "shape">): View {
  return wholeView(planner.newArray(dtype, sizeOf(shape)), dtype, shape);
}
