/** Reductions: who combines what, and in how many kernels. */

import type { Aval, DType } from "@curv/tensor";
import {
  chunkFor,
  companionOf,
  printFold,
  printReduce,
  reduceThreads,
  type Reduction,
  type Team,
} from "../codegen/reduce.js";
import { typeOf } from "../codegen/types.js";
import { collect, Node, type Value } from "../expression.js";
import type { KernelArgument } from "../launch.js";
import { addressOf } from "../plan.js";
import { indexArguments, needsWide, type Planner } from "../planner.js";
import { mergeDimensions, sizeOf, wholeView, type View } from "../view.js";
import { paramsOf, type Lower } from "./lowering.js";

export const reduce: Lower = (planner, equation) => {
  const { axes } = paramsOf<{ axes: readonly number[] }>(equation);
  const [out] = equation.outputs;
  const source = planner.value(equation.inputs[0]);
  planner.set(out, reduceValue(planner, equation.primitive.name as Reduction, source, axes, out));
};

/** What elements combine to over axes of a value, as a new array; what computes them runs as they are read. Of an extreme: its place. */
export function reduceValue(
  planner: Planner,
  reduction: Reduction,
  value: Value,
  axes: readonly number[],
  out: Pick<Aval, "dtype" | "shape">,
): View {
  const made = reduceArrays(planner, reduction, value, axes, sizeOf(out.shape));
  return wholeView(made[made.length - 1], out.dtype, out.shape);
}

/** The largest element, and the sum of the exponentials of the elements less that, in one pass. */
export const maxSumExp: Lower = (planner, equation) => {
  const { axes, guarded } = paramsOf<{ axes: readonly number[]; guarded: boolean }>(equation);
  const results = sizeOf(equation.outputs[0].shape);
  const reduction = guarded ? "maxSumExpGuarded" : "maxSumExp";
  const made = reduceArrays(planner, reduction, planner.value(equation.inputs[0]), axes, results);
  equation.outputs.forEach((out, i) => planner.set(out, wholeView(made[i], out.dtype, out.shape)));
};

/** Arrays of the results, and of what they have beside their values. */
function reduceArrays(
  planner: Planner,
  reduction: Reduction,
  value: Value,
  axes: readonly number[],
  results: number,
): number[] {
  let source = value;
  const { shape } = source;
  if (source instanceof Node && source.uses > 1) source = planner.stored(source);
  planner.settleShared([source]);
  const { program, views, literals } = collect([source]);
  const keptAxes = shape.map((_, i) => i).filter((i) => !axes.includes(i));
  const part = (list: readonly number[]): ReturnType<typeof mergeDimensions> =>
    mergeDimensions(
      list.map((i) => shape[i]),
      views.map(({ strides }) => list.map((i) => strides[i])),
    );
  const [kept, reduced] = [part(keptAxes), part(axes)];
  const n = sizeOf(axes.map((i) => shape[i]));
  const team = teamFor(n, results, kept.strides, reduced.strides);
  const chunk = team === "warp" ? n : chunkFor(n);
  const chunks = Math.ceil(n / chunk);
  const wide = needsWide([n * results, results * chunks, ...views.map(({ array }) => planner.arrays[array].size)]);
  const dtype = typeOf(program, program.results[0]) as DType;
  const label = `${reduction} [${shape.join()}] over ${axes.join()}`;
  const beside = companionOf(reduction, dtype);
  const target = (size: number): number[] =>
    [dtype, ...(beside === null ? [] : [beside.dtype])].map((type) => planner.newArray(type, size));
  const partials = target(results * chunks);
  const perBlock = { thread: reduceThreads, warp: reduceThreads / 32, block: 1 }[team];
  planner.launch({
    source: printReduce({
      reduction,
      program,
      team,
      kept: kept.shape.length,
      reduced: reduced.shape.length,
      wide,
      last: chunks === 1,
    }),
    name: "curv_reduce",
    grid: { x: Math.ceil(results / perBlock), y: chunks },
    threads: reduceThreads,
    args: [
      ...views.map(addressOf),
      ...literals.map(({ literal, dtype: type }): KernelArgument => ({ type, value: literal })),
      ...partials.map((array) => ({ array, offset: 0 })),
      ...indexArguments(wide, [
        results,
        n,
        chunk,
        ...kept.shape.slice(1),
        ...reduced.shape.slice(1),
        ...views.flatMap((_, i) => [...kept.strides[i], ...reduced.strides[i]]),
      ]),
    ],
    label,
  });
  let made = partials;
  if (chunks > 1) {
    made = target(results);
    planner.launch({
      source: printFold(reduction, dtype),
      name: "curv_fold",
      grid: { x: Math.ceil(results / (reduceThreads / 32)) },
      threads: reduceThreads,
      args: [
        ...[...partials, ...made].map((array) => ({ array, offset: 0 })),
        ...indexArguments(true, [results, chunks]),
      ],
      label,
    });
  }
  return made;
}

/** Neighbouring threads should read neighbouring elements: a thread a result where results lie closer than what is reduced. */
function teamFor(n: number, results: number, kept: readonly number[][], reduced: readonly number[][]): Team {
  const nearest = (strides: readonly number[][]): number =>
    Math.min(Infinity, ...strides.flat().filter((s) => s !== 0).map(Math.abs)); // prettier-ignore
  if (n <= 32 || (results >= 32 && nearest(kept) < nearest(reduced))) return "thread";
  return n <= 1024 ? "warp" : "block";
}
