/**
 * Fourier transforms by cuFFT, which takes re and im side by side; both are written there and read from there by strides.
 *
 * What is real costs half: a transform of real numbers is known by its first half, and one of which only the real part is read is that of
 * the conjugate symmetric part of its input. The planner sees that, however the program says it: im is zero, or one of the results is not
 * needed by anything.
 */

import { isTensor, type Atom, type Equation, type Tensor, type Variable } from "@curv/tensor";
import type { Filled } from "../buffer.js";
import type { Value } from "../expression.js";
import type { FloatType } from "../lib/cusolver.js";
import type { Planner } from "../planner.js";
import { flipView, sizeOf, sliceView, type View } from "../view.js";
import { chain } from "./elementwise.js";
import { aligned, callLibrary } from "./library.js";
import { fresh, paramsOf, type Lower } from "./lowering.js";

export const fourier: Lower = (planner, equation) => {
  const { shape } = equation.outputs[0];
  const zero = equation.inputs.map((x) => planner.facts.zeros.has(x));
  const [re, im] = equation.outputs.map((out) => planner.usesOf(out) > 0);
  // One number is its own transform, and nothing is won.
  if (shape[shape.length - 1] === 1 || (!zero.includes(true) && re && im)) ofComplex(planner, equation);
  else if (zero.includes(true)) ofReal(planner, equation, zero[1] ? 0 : 1);
  else toReal(planner, equation, re ? 0 : 1);
};

/** One of the parts of numbers [..., 2] that lie side by side. */
function partOf(z: View, part: 0 | 1): View {
  return { ...z, shape: z.shape.slice(0, -1), strides: z.strides.slice(0, -1), offset: part };
}

function ofComplex(planner: Planner, equation: Equation): void {
  const { inverse } = paramsOf<{ inverse: boolean }>(equation);
  const [{ dtype, shape }] = equation.outputs;
  const n = shape[shape.length - 1];
  const z = fresh(planner, { dtype, shape: [...shape, 2] });
  equation.inputs.forEach((x, i) => planner.emitCopy(planner.view(x), partOf(z, i as 0 | 1)));
  callLibrary(planner, equation, {
    writes: [z],
    recordable: true,
    call: ({ fourier: library }, [address]) =>
      library.transform(dtype as FloatType, n, sizeOf(shape) / n, inverse, address),
  });
  equation.outputs.forEach((out, i) => planner.set(out, partOf(z, i as 0 | 1)));
}

/**
 * The transform of what has a real part only (`given` 0) or an imaginary part only (1): half of it from the library. Whoever reads further
 * finds the mirror image there.
 */
function ofReal(planner: Planner, equation: Equation, given: 0 | 1): void {
  const { inverse } = paramsOf<{ inverse: boolean }>(equation);
  const [{ dtype, shape }] = equation.outputs;
  const [last, n] = [shape.length - 1, shape[shape.length - 1]];
  const h = Math.floor(n / 2) + 1;
  const x = aligned(planner, planner.whole(equation.inputs[given]));
  const z = fresh(planner, { dtype, shape: [...shape.slice(0, -1), h, 2] });
  callLibrary(planner, equation, {
    reads: [x],
    writes: [z],
    recordable: true,
    call: ({ fourier: library }, [from, to]) => library.ofReal(dtype as FloatType, n, sizeOf(shape) / n, from, to),
  });
  // The library goes forward: back is the conjugate. F(i b) = i F(b).
  const direction = inverse ? -1 : 1;
  const parts = [
    { part: partOf(z, 0), sign: 1, mirrored: 1 },
    { part: partOf(z, 1), sign: direction, mirrored: -1 },
  ];
  const results = given === 0 ? parts : [{ ...parts[1], sign: -direction }, parts[0]];
  equation.outputs.forEach((out, i) => {
    const { part, sign, mirrored } = results[i];
    const whole = planner.facts.read.get(out)! > h;
    if (!whole && sign === 1) {
      // Nothing beyond the half is read, so that it may be said to be longer than it is.
      planner.set(out, { ...part, shape });
      return;
    }
    const y = fresh(planner, { dtype, shape: whole ? shape : part.shape });
    const lengths = (k: number): number[] => [...shape.slice(0, -1), k];
    const zeros = shape.map(() => 0);
    const ones = shape.map(() => 1);
    planner.emitCopy(signed(planner, part, sign), sliceView(y, zeros, lengths(h), ones));
    if (whole && n > h) {
      const inner = sliceView(part, [...zeros.slice(1), 1], lengths(n - h), ones);
      const rest = sliceView(y, [...zeros.slice(1), h], lengths(n - h), ones);
      planner.emitCopy(signed(planner, flipView(inner, [last]), sign * mirrored), rest);
    }
    planner.set(out, { ...y, shape });
  });
}

/** The real part of a transform (`wanted` 0), or its imaginary part (1), which is the real part of that of −i z. */
function toReal(planner: Planner, equation: Equation, wanted: 0 | 1): void {
  const { inverse } = paramsOf<{ inverse: boolean }>(equation);
  const [{ dtype, shape }] = equation.outputs;
  const [last, n] = [shape.length - 1, shape[shape.length - 1]];
  const h = Math.floor(n / 2) + 1;
  const [re, im] = equation.inputs.map((x) => planner.view(x));
  const [a, b] = wanted === 0 ? [re, im] : [im, re];
  // The library goes back: the real part of the forward transform is that of the backward one of the conjugate.
  const sign = (wanted === 0 ? 1 : -1) * (inverse ? 1 : -1);
  const z = fresh(planner, { dtype, shape: [...shape.slice(0, -1), h, 2] });
  const [zRe, zIm] = [partOf(z, 0), partOf(z, 1)];
  const part = (x: View, start: number, count: number, step = 1): View =>
    sliceView(
      x,
      shape.map((_, i) => (i === last ? start : 0)),
      [...shape.slice(0, -1), count],
      shape.map((_, i) => (i === last ? step : 1)),
    );
  const of = (name: string, ...operands: Value[]): Value =>
    chain(planner, name, operands, { dtype, shape: operands[0].shape }, 1);
  // Frequencies that are their own mirror image: there im adds nothing, unless it is not a number.
  const [edges, step] = n % 2 === 0 ? [2, n / 2] : [1, 1];
  const [aEdges, bEdges] = [part(a, 0, edges, step), part(b, 0, edges, step)];
  planner.emitCopy(of("add", aEdges, of("sub", bEdges, bEdges)), part(zRe, 0, edges, step));
  planner.emitCopy({ literal: 0, dtype, shape: aEdges.shape }, part(zIm, 0, edges, step));
  const inner = Math.ceil(n / 2) - 1;
  if (inner > 0) {
    const pair = (x: View): [View, View] => [part(x, 1, inner), flipView(part(x, n - inner, inner), [last])];
    const half = (x: Value, by: number): Value => of("mul", x, { literal: by, dtype, shape: x.shape });
    planner.emitCopy(half(of("add", ...pair(a)), 0.5), part(zRe, 1, inner));
    planner.emitCopy(half(of("sub", ...pair(b)), 0.5 * sign), part(zIm, 1, inner));
  }
  const x = fresh(planner, { dtype, shape });
  callLibrary(planner, equation, {
    writes: [z, x],
    recordable: true,
    call: ({ fourier: library }, [from, to]) => library.toReal(dtype as FloatType, n, sizeOf(shape) / n, from, to),
  });
  planner.set(equation.outputs[wanted], x);
}

function signed(planner: Planner, x: View, sign: number): Value {
  return sign === 1 ? x : chain(planner, "neg", [x], x, 1);
}

/** What transforms want to know of a graph. */
export interface Facts {
  /** What is zero everywhere. */
  readonly zeros: ReadonlySet<Atom>;
  /** Of results of transforms, how many elements of the last axis, from the first on, are read: all of them, unless only slices read it. */
  readonly read: ReadonlyMap<Variable, number>;
}

/** Primitives whose results hold nothing that their operand did not. */
export const movesOnly: ReadonlySet<string> = new Set([
  "broadcast",
  "reshape",
  "transpose",
  "slice",
  "flip",
  "stopGradient",
]);

/** @param outputs - What is read from outside. */
export function transformFacts(equations: readonly Equation[], outputs: readonly Atom[]): Facts {
  const read = new Map<Variable, number>();
  const zeros = new Set<Atom>();
  if (!equations.some(({ primitive }) => primitive.name === "fft")) return { zeros, read };
  for (const equation of equations) {
    const { primitive, inputs, outputs: results } = equation;
    for (const x of inputs) {
      if (isTensor(x)) {
        if (isZeros(x)) zeros.add(x);
      } else if (read.has(x)) read.set(x, Math.max(read.get(x)!, endOf(equation)));
    }
    if (primitive.name === "fft") for (const y of results) read.set(y, outputs.includes(y) ? Infinity : 0);
    else if (primitive.name === "full" && paramsOf<{ value: number }>(equation).value === 0) zeros.add(results[0]);
    else if (movesOnly.has(primitive.name) && zeros.has(inputs[0])) zeros.add(results[0]);
  }
  return { zeros, read };
}

/** Whether a constant of a graph is zero everywhere, as far as that is known without reading from the card. */
function isZeros({ owner, buffer, size }: Tensor): boolean {
  if (owner?.kind === "cpu") return buffer !== null && (buffer as ArrayLike<number>).length >= size && everyZero(buffer as ArrayLike<number>); // prettier-ignore
  return owner?.kind === "cuda" && (buffer as Filled | null)?.filled === 0;
}

function everyZero(x: ArrayLike<number>): boolean {
  for (let i = 0; i < x.length; i++) if (x[i] !== 0) return false;
  return true;
}

/** Where a slice ends on the last axis. */
function endOf(equation: Equation): number {
  if (equation.primitive.name !== "slice") return Infinity;
  const { start, step } = paramsOf<{ start: readonly number[]; step: readonly number[] }>(equation);
  const { shape } = equation.outputs[0];
  const last = shape.length - 1;
  return start[last] + (shape[last] - 1) * step[last] + 1;
}
