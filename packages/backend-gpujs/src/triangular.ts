/**
 * Cholesky factors and triangular systems: one kernel a column, which subtracts what the column contributes from all that is left. Threads
 * share no memory in gpu.js, so columns cannot be taken in blocks; what is gained is that matrices stay on the device.
 */

import type { Atom, Equation } from "@curv/tensor";
import type { Expression } from "./code.js";
import { Place } from "./place.js";
import { emit, internal } from "./rewrite.js";
import { integer, paramsOf, shapeOf, type Cell, type Rule } from "./rule.js";

const choleskyStep = /* @__PURE__ */ internal("choleskyStep");
const choleskyInfo = /* @__PURE__ */ internal("choleskyInfo");
const triangularStep = /* @__PURE__ */ internal("triangularStep");

/** [L, info]: A = L Lᵀ from the lower triangle of A, info 0 or 1 + the first pivot that is not positive. */
export function lowerCholesky(equation: Equation, out: Equation[]): void {
  const [x] = equation.inputs;
  const [factor, info] = equation.outputs;
  const n = x.shape[x.shape.length - 1];
  let a: Atom = x;
  for (let k = 0; k < n - 1; k++) a = emit(out, choleskyStep, [a], { k }, x.shape, x.dtype);
  out.push({ primitive: choleskyStep, inputs: [a], params: { k: n - 1 }, outputs: [factor] });
  out.push({ primitive: choleskyInfo, inputs: [factor], params: null, outputs: [info] });
}

interface SolveParams {
  readonly lower: boolean;
  readonly transpose: boolean;
  readonly unit: boolean;
}

/** op(A) X = B by forward or back substitution. */
export function lowerTriangularSolve(equation: Equation, out: Equation[]): void {
  const [a, b] = equation.inputs;
  const params = equation.params as SolveParams;
  const n = a.shape[a.shape.length - 1];
  const forward = params.lower !== params.transpose;
  let x: Atom = b;
  for (let step = 0; step < n; step++) {
    const k = forward ? step : n - 1 - step;
    const own = { ...params, k, forward };
    if (step < n - 1) x = emit(out, triangularStep, [a, x], own, b.shape, b.dtype);
    else out.push({ primitive: triangularStep, inputs: [a, x], params: own, outputs: equation.outputs });
  }
}

/** Reads elements (row, column) of the matrices of an operand, with the leading axes of a place. */
function elements(
  cell: Cell,
  equation: Equation,
  operand: number,
  place: Place,
): (i: Expression, j: Expression) => Expression {
  const shape = shapeOf(equation, operand);
  return (i, j) => {
    const axes = [...shape.slice(0, -2).map((_, axis) => place.axis(axis)), i, j];
    return cell.read(equation, operand, Place.at(cell.code, shape, axes)).parts[0];
  };
}

/** Column k of L, and A − l lᵀ in what is right of it. */
const factorColumn: Rule = (cell, equation, place) => {
  const { code } = cell;
  // An argument rather than a literal: one kernel for all columns.
  const k = cell.number(paramsOf<{ k: number }>(equation).k);
  const rank = place.shape.length;
  const [i, j] = [place.axis(rank - 2), place.axis(rank - 1)];
  const at = elements(cell, equation, 0, place);
  const [pivot, own, left, above] = [at(k, k), at(i, j), at(i, k), at(j, k)];
  const root = code.variable(`Math.sqrt(${pivot})`);
  // NaN, if the pivot is not positive.
  code.line(`if (!(${pivot} > 0.0)) { ${root} = (${pivot} - ${pivot}) / (${pivot} - ${pivot}); }`);
  const y = code.variable(own);
  code.line(`if (${i} >= ${j} && ${j} > ${k}) { ${y} = ${own} - (${left} / ${root}) * (${above} / ${root}); }`);
  code.line(`if (${i} >= ${j} && ${j} === ${k}) { ${y} = ${own} / ${root}; }`);
  code.line(`if (${i} < ${j}) { ${y} = 0.0; }`);
  return { dtype: "float32", parts: [y] };
};

const firstBadPivot: Rule = (cell, equation, place) => {
  const { code } = cell;
  const shape = shapeOf(equation, 0);
  const at = elements(cell, equation, 0, place);
  const info = code.variable("0.0");
  code.loop(shape[shape.length - 1], (i) => {
    code.line(`if (!(${at(i, i)} > 0.0) && ${info} < 0.5) { ${info} = ${i} + 1.0; }`);
  });
  return integer(code, info);
};

/** Row k of X, and B − (column k of op(A))·x in the rows that follow. */
const substitute: Rule = (cell, equation, place) => {
  const { code } = cell;
  const { k: column, transpose, unit, forward } = paramsOf<SolveParams & { k: number; forward: boolean }>(equation);
  const k = cell.number(column);
  const rank = place.shape.length;
  const [i, j] = [place.axis(rank - 2), place.axis(rank - 1)];
  const a = elements(cell, equation, 0, place);
  const b = elements(cell, equation, 1, place);
  const solved = unit ? b(k, j) : code.let(`${b(k, j)} / ${a(k, k)}`);
  const own = b(i, j);
  const factor = transpose ? a(k, i) : a(i, k);
  const y = code.variable(own);
  code.line(`if (${i} === ${k}) { ${y} = ${solved}; }`);
  code.line(`if (${i} ${forward ? ">" : "<"} ${k}) { ${y} = ${own} - ${factor} * ${solved}; }`);
  return { dtype: "float32", parts: [y] };
};

export const triangularRules: Readonly<Record<string, Rule>> = {
  choleskyStep: factorColumn,
  choleskyInfo: firstBadPivot,
  triangularStep: substitute,
};
