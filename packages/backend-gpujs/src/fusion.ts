/**
 * Which results of a graph are stored, and which are computed inside the kernels that read them.
 *
 * A kernel writes one array and may read six. So a result is stored if it is wanted outside, or if computing it again wherever it is read
 * would cost more than a launch and a pass over memory.
 */

import { isTensor, type Atom, type Equation, type Variable } from "@curv/tensor";
import { sizeOf } from "@curv/tensor/backend";
import { costOf as costByName, elementRules, viewRules } from "./movement.js";
import { isRegistered } from "./registered.js";
import { dotTiles } from "./tiles.js";

/** Arrays that one kernel may read: WebGPU guarantees eight storage buffers, one of which is written, one kept in reserve. */
export const mostArrays = 6;
/** Operations of one kernel, roughly: compilers take long for long ones. */
const mostOperations = 300;
/** Operations that may be repeated for each element rather than stored. */
const cheapToRepeat = 8;
/** Operations that may be repeated in all: what a launch costs. */
const cheapInAll = 16384;

/** What the planner must know of the graph. */
export interface FusionProblem {
  readonly equations: readonly Equation[];
  /** Wanted outside of kernels: results, operands of what is no kernel. */
  readonly wanted: ReadonlySet<Variable>;
  /** There already: inputs. */
  readonly given: ReadonlySet<Variable>;
  /** Arguments rather than arrays. */
  readonly hostScalars: ReadonlySet<Variable>;
  isKernel(equation: Equation): boolean;
  /** Constants that are written into the source. */
  isLiteral(atom: Atom): boolean;
  /** False: every result is stored, one kernel an equation. */
  readonly fuse: boolean;
}

interface Use {
  /** How often its elements are computed in all, if it is not stored. */
  evaluations: number;
  readers: number;
  /** Whether some reader loops over it: then it is no place for a loop of its own. */
  inLoop: boolean;
  /** Whether every reader is elementwise. */
  plainReaders: boolean;
}

/** Reads at most one element of each operand. */
const isLight = ({ primitive }: Equation): boolean =>
  primitive.name in viewRules || primitive.name in elementRules || isRegistered(primitive);

/** Cost of one element, in arithmetic operations. A function of another package is long: it is computed once, where it is wanted. */
const costOf = ({ primitive, outputs }: Equation): number =>
  isRegistered(primitive) ? mostOperations / 2 : costByName(primitive.name, outputs[0]?.shape ?? []);

/** Variables that get an array. */
export function chooseStored(problem: FusionProblem): Set<Variable> {
  const { equations, wanted, given, isKernel, fuse } = problem;
  const stored = new Set<Variable>([...wanted, ...given]);
  if (!fuse) {
    for (const { outputs } of equations) for (const y of outputs) stored.add(y);
    return stored;
  }
  const costs = inlineCosts(problem);
  const uses = new Map<Variable, Use>();
  const useOf = (v: Variable): Use => {
    let use = uses.get(v);
    if (use === undefined) {
      uses.set(v, (use = { evaluations: 0, readers: 0, inLoop: false, plainReaders: true }));
    }
    return use;
  };
  for (let i = equations.length - 1; i >= 0; i--) {
    const equation = equations[i];
    if (!isKernel(equation)) {
      for (const y of equation.outputs) stored.add(y);
      continue;
    }
    const light = isLight(equation);
    let evaluations = 0;
    let inLoop = false;
    for (const y of equation.outputs) {
      const use = uses.get(y);
      if (use === undefined && !stored.has(y)) continue;
      const size = sizeOf(y.shape);
      if (!stored.has(y) && !mayInline(equation, use!, size, costs.get(y)!)) stored.add(y);
      evaluations += stored.has(y) ? size : use!.evaluations;
      inLoop ||= !stored.has(y) && use!.inLoop;
    }
    equation.inputs.forEach((x, k) => {
      if (isTensor(x)) return;
      const use = useOf(x);
      use.evaluations += evaluations * readsPerResult(equation, k);
      use.readers++;
      use.inLoop ||= inLoop || !light;
      use.plainReaders &&= light;
    });
  }
  limitArrays(problem, stored);
  return stored;
}

function mayInline(equation: Equation, use: Use, size: number, cost: number): boolean {
  const { name } = equation.primitive;
  if (name in viewRules) return true;
  if (equation.primitive === dotTiles) return false;
  const repeated = use.evaluations - size;
  if (!isLight(equation)) return use.readers === 1 && use.plainReaders && !use.inLoop && repeated <= 0;
  return repeated <= 0 || (repeated / size) * cost <= cheapToRepeat || repeated * cost <= cheapInAll;
}

/** Cost of one element of each result, with all that is elementwise before it. */
function inlineCosts({ equations }: FusionProblem): Map<Variable, number> {
  const costs = new Map<Variable, number>();
  for (const equation of equations) {
    let cost = equation.outputs.length === 0 ? 0 : costOf(equation);
    if (isLight(equation)) {
      for (const x of equation.inputs) if (!isTensor(x)) cost += costs.get(x) ?? 0;
    } else cost *= loopLength(equation);
    for (const y of equation.outputs) costs.set(y, Math.min(cost, 1e9));
  }
  return costs;
}

/** Elements of operand k that one element of the result reads. */
function readsPerResult(equation: Equation, k: number): number {
  if (equation.primitive.name === "concat") {
    return sizeOf(equation.inputs[k].shape) / Math.max(1, sizeOf(equation.outputs[0].shape));
  }
  return isLight(equation) ? 1 : loopLength(equation);
}

function loopLength({ primitive: { name }, params, inputs, outputs }: Equation): number {
  const sizes = inputs.map((x) => sizeOf(x.shape));
  const result = Math.max(1, outputs.length === 0 ? 1 : sizeOf(outputs[0].shape));
  switch (name) {
    case "sum":
    case "prod":
    case "max":
    case "min":
    case "argMax":
    case "argMin":
      return sizes[0] / result;
    case "partialReduce":
      return (params as { piece: number }).piece;
    case "dot":
    case "dotTiles": {
      const { contract } = params as { contract: readonly (readonly number[])[] };
      return sizeOf(contract[0].map((axis) => inputs[0].shape[axis]));
    }
    case "conv":
      return sizes[1] / inputs[1].shape[0];
    case "fftPass":
      return (params as { radix: number }).radix;
    case "choleskyStep":
    case "triangularStep":
      return 4;
    case "gather":
    case "dynamicSlice":
    case "dynamicUpdateSlice":
    case "addCarry":
    case "threefry":
    case "inOrder":
      return 1;
    default:
      return 32;
  }
}

/** Stores operands until every kernel reads few enough arrays and is short enough. */
function limitArrays(problem: FusionProblem, stored: Set<Variable>): void {
  const { equations, hostScalars, isKernel, isLiteral } = problem;
  const reads = new Map<Variable, { readonly arrays: ReadonlySet<Atom>; readonly operations: number }>();
  for (const equation of equations) {
    if (!isKernel(equation)) continue;
    const own = isLight(equation) ? costOf(equation) : 40;
    for (;;) {
      const arrays = new Set<Atom>();
      let operations = own;
      let largest: Variable | null = null;
      for (const x of equation.inputs) {
        if (isTensor(x)) {
          if (!isLiteral(x)) arrays.add(x);
        } else if (stored.has(x)) arrays.add(x);
        else if (!hostScalars.has(x)) {
          const read = reads.get(x)!;
          for (const array of read.arrays) arrays.add(array);
          operations += read.operations;
          const before = largest === null ? null : reads.get(largest)!;
          const worth = (r: { arrays: ReadonlySet<Atom>; operations: number }): number =>
            r.arrays.size * 100 + r.operations;
          if (before === null || worth(read) > worth(before)) largest = x;
        }
      }
      if (largest === null || (arrays.size <= mostArrays && operations <= mostOperations)) {
        for (const y of equation.outputs) reads.set(y, { arrays, operations });
        break;
      }
      stored.add(largest);
    }
  }
}
