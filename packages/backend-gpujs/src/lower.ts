/** Rewrites what one thread an element would do badly (long reductions and scans) or cannot do (sorting, factorisations) as several kernels. */

import { Variable, type Atom, type Equation } from "@curv/tensor";
import { sizeOf } from "@curv/tensor/backend";
import { lowerFft } from "./fft.js";
import { isTiled, lowerDot } from "./tiles.js";
import { emit, internal } from "./rewrite.js";
import { lowerCholesky, lowerTriangularSolve } from "./triangular.js";

/** Threads that keep a device busy: with fewer results, a reduction is cut into pieces. */
const fewThreads = 1024;
/** Terms of a reduction that one thread adds up. */
const longReduction = 512;
const piece = 128;
/** Elements of a running sum that a thread looks back over. */
const longScan = 256;
const block = 64;

const partialReduce = /* @__PURE__ */ internal("partialReduce");
const blockScan = /* @__PURE__ */ internal("blockScan");
const blockEnds = /* @__PURE__ */ internal("blockEnds");
const addCarry = /* @__PURE__ */ internal("addCarry");
const position = /* @__PURE__ */ internal("position");
const mergeRuns = /* @__PURE__ */ internal("mergeRuns");
const inOrder = /* @__PURE__ */ internal("inOrder");
const orderIndices = /* @__PURE__ */ internal("orderIndices");
const transpose = /* @__PURE__ */ internal("transpose");
const reshape = /* @__PURE__ */ internal("reshape");

const factorisations: Readonly<Record<string, (equation: Equation, out: Equation[]) => void>> = {
  fft: lowerFft,
  cholesky: lowerCholesky,
  triangularSolve: lowerTriangularSolve,
};

/** Whether a primitive that no kernel computes is computed by several. */
export function isRewritten(name: string): boolean {
  return name === "sort" || name in factorisations;
}

/** The equations with the rewritten ones in place. */
export function lowerEquations(equations: readonly Equation[], vectors: boolean): Equation[] {
  const out: Equation[] = [];
  for (const equation of equations) {
    if (vectors && isTiled(equation)) lowerDot(equation, out);
    else lower(equation, out);
  }
  return out;
}

function lower(equation: Equation, out: Equation[]): void {
  const { name } = equation.primitive;
  if ([...equation.inputs, ...equation.outputs].some((x) => sizeOf(x.shape) === 0)) out.push(equation);
  else if (name in factorisations) factorisations[name](equation, out);
  else if (name === "sort") lowerSort(equation, out);
  else if (name === "sum" || name === "prod" || name === "max" || name === "min") lowerReduction(equation, out);
  else if (name === "cumsum" || name === "linearRecurrence") lowerScan(equation, out);
  else if (name === "concat" && equation.inputs.length > mostConcat) lowerConcat(equation, out);
  else out.push(equation);
}

/** Pieces of the reduced elements first, then what they come to, until one thread can do the rest. */
function lowerReduction(equation: Equation, out: Equation[]): void {
  const [x] = equation.inputs;
  const { axes } = equation.params as { axes: readonly number[] };
  const [result] = equation.outputs;
  const length = sizeOf(axes.map((axis) => x.shape[axis]));
  if (length < longReduction || sizeOf(result.shape) >= fewThreads) {
    out.push(equation);
    return;
  }
  const { name } = equation.primitive;
  const kept = x.shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
  const permutation = [...kept, ...axes];
  let rows: Atom = x;
  if (permutation.some((axis, i) => axis !== i)) {
    rows = emit(
      out,
      transpose,
      [x],
      { permutation },
      permutation.map((axis) => x.shape[axis]),
      x.dtype,
    );
  }
  rows = emit(out, reshape, [rows], null, [...result.shape, length], x.dtype);
  for (let n = length; n >= longReduction;) {
    const count = Math.ceil(n / piece);
    rows = emit(out, partialReduce, [rows], { name, piece }, [...result.shape, count], x.dtype);
    n = count;
  }
  out.push({ ...equation, inputs: [rows], params: { axes: [result.shape.length] } });
}

/** Scans inside blocks, a scan of what the blocks end with, and that added to the blocks that follow. */
function lowerScan(equation: Equation, out: Equation[]): void {
  const { axis, reverse } = equation.params as { axis: number; reverse: boolean };
  const [result] = equation.outputs;
  const { shape, dtype } = result;
  if (shape[axis] < longScan) {
    out.push(equation);
    return;
  }
  const linear = equation.primitive.name === "linearRecurrence";
  const inner = (inputs: readonly Atom[], kind: string): Variable =>
    emit(out, blockScan, inputs, { axis, reverse, block, kind }, shape, dtype);
  const ends = (x: Variable): Variable => {
    const short = shape.map((n, i) => (i === axis ? Math.ceil(n / block) : n));
    return emit(out, blockEnds, [x], { axis, reverse, block }, short, dtype);
  };
  const scanned = inner(equation.inputs, linear ? "recurrence" : "sum");
  const products = linear ? inner([equation.inputs[0]], "product") : null;
  const tails = [...(products === null ? [] : [ends(products)]), ends(scanned)];
  const carries = new Variable(tails[0].shape, dtype, false);
  lower({ ...equation, inputs: tails, params: { axis, reverse: false }, outputs: [carries] }, out);
  out.push({
    primitive: addCarry,
    inputs: products === null ? [scanned, carries] : [scanned, carries, products],
    params: { axis, reverse, block },
    outputs: [result],
  });
}

/** A stable merge sort of positions: log₂ n passes, each of which finds every element of the merged runs by bisection. */
function lowerSort(equation: Equation, out: Equation[]): void {
  const [x] = equation.inputs;
  const { descending, count } = equation.params as { descending: boolean; count: number };
  const n = x.shape[x.shape.length - 1];
  let order = emit(out, position, [], null, x.shape, "float32");
  for (let width = 1; width < n; width *= 2) {
    order = emit(out, mergeRuns, [x, order], { width, descending }, x.shape, "float32");
  }
  const [values, indices] = equation.outputs;
  out.push({ primitive: inOrder, inputs: [x, order], params: { count }, outputs: [values] });
  out.push({ primitive: orderIndices, inputs: [order], params: { count }, outputs: [indices] });
}

/** As many arrays as a kernel may read. */
const mostConcat = 6;

function lowerConcat(equation: Equation, out: Equation[]): void {
  const { axis } = equation.params as { axis: number };
  let parts = equation.inputs;
  const [result] = equation.outputs;
  while (parts.length > mostConcat) {
    const next: Atom[] = [];
    for (let i = 0; i < parts.length; i += mostConcat) {
      const group = parts.slice(i, i + mostConcat);
      if (group.length === 1) next.push(group[0]);
      else {
        const shape = [...result.shape];
        shape[axis] = group.reduce((n, x) => n + x.shape[axis], 0);
        next.push(emit(out, equation.primitive, group, { axis }, shape, result.dtype));
      }
    }
    parts = next;
  }
  out.push({ ...equation, inputs: parts });
}
