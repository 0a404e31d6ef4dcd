/** From a graph to a plan: opens what stands for other graphs, lowers each equation, and finds when each array is first and last needed. */

import { isTensor, type Atom, type Equation, type Graph, type Variable } from "@curv/tensor";
import { openGraph, removeDead, sizeOf } from "@curv/tensor/backend";
import { CudaError } from "./errors.js";
import { mostResults, Node } from "./expression.js";
import { loweringFor } from "./lower.js";
import { biasedProduct, type Group } from "./lower/epilogue.js";
import { transformFacts } from "./lower/fourier.js";
import { inOnePass, onePassLowerings } from "./lower/one-pass.js";
import { withLifetimes, withMemory, type Plan } from "./plan.js";
import { Planner, type PlanOptions } from "./planner.js";
import { isContiguous, wholeView } from "./view.js";

const controlFlow: ReadonlySet<string> = new Set(["scan", "whileLoop", "cond", "check"]);

/** The plan of a graph. */
export function planGraph(graph: Graph, options: PlanOptions): Plan {
  return planOpened(openGraph(graph), options);
}

/** The plan of one application, which is not simplified: simplifying would apply it, if it has no operands. */
export function planEquation(equation: Equation, inputs: readonly Variable[], options: PlanOptions): Plan {
  const graph = { inputs, equations: [equation], outputs: equation.outputs };
  return equation.primitive.standsFor === undefined ? planOpened(graph, options) : planGraph(graph, options);
}

function planOpened(graph: Graph, options: PlanOptions): Plan {
  const { outputs } = graph;
  const { equations } = removeDead({ ...graph, equations: inOnePass(graph.equations) });
  const planner = new Planner(options, countUses(equations, outputs), transformFacts(equations, outputs));
  for (const v of graph.inputs) planner.set(v, wholeView(planner.newArray(v.dtype, sizeOf(v.shape)), v.dtype, v.shape));
  lowerAll(planner, equations, outputs, options);
  const results = storeOutputs(planner, outputs);
  const given = [...graph.inputs.map((_, i) => i), ...planner.constants.map(({ array }) => array)];
  return {
    arrays: planner.arrays,
    inputs: graph.inputs,
    constants: planner.constants,
    ...withMemory(planner.arrays, withLifetimes(planner.steps, given, [...given, ...results]), [...given, ...results]),
    outputs: results,
  };
}

/** Lowers each equation in its turn, and groups that one step may do when the last of them is due. */
function lowerAll(
  planner: Planner,
  equations: readonly Equation[],
  outputs: readonly Atom[],
  options: PlanOptions,
): void {
  const groups = options.biased === undefined ? [] : biasedProducts(equations, outputs);
  const waiting = new Set(groups.flatMap((group) => group.equations));
  const due = new Map(groups.map((group) => [group.equations[group.equations.length - 1], group]));
  for (const equation of equations) {
    const group = due.get(equation);
    if (group !== undefined) {
      const done = group.lower(planner);
      for (const left of group.equations.slice(done)) lower(planner, left, options);
    } else if (!waiting.has(equation)) lower(planner, equation, options);
  }
}

/** Products with a bias, each equation in one group at most. */
function biasedProducts(equations: readonly Equation[], outputs: readonly Atom[]): Group[] {
  const readers = new Map<Atom, Equation[]>();
  for (const equation of equations) {
    for (const x of new Set(equation.inputs)) readers.set(x, [...(readers.get(x) ?? []), equation]);
  }
  const taken = new Set<Equation>();
  const groups: Group[] = [];
  // What the graph returns is read by whoever called it: no reader is known to be the only one.
  const readersOf = (variable: Variable): readonly Equation[] =>
    outputs.includes(variable) ? [] : (readers.get(variable) ?? []);
  for (const equation of equations) {
    if (
      equation.primitive.name !== "dot" ||
      [...equation.inputs, ...equation.outputs].some((x) => sizeOf(x.shape) === 0)
    )
      continue;
    const group = biasedProduct(equation, readersOf);
    if (group === null || group.equations.some((part) => taken.has(part))) continue;
    for (const part of group.equations) taken.add(part);
    groups.push(group);
  }
  return groups;
}

function lower(planner: Planner, equation: Equation, options: PlanOptions): void {
  const { primitive, inputs, outputs } = equation;
  const { name } = primitive;
  if (controlFlow.has(name)) {
    lowerControl(planner, equation, options);
    return;
  }
  const onCard = [...inputs, ...outputs].every(({ shape }) => sizeOf(shape) > 0);
  const lowering = onePassLowerings.get(primitive) ?? (onCard ? loweringFor(equation) : null);
  if (lowering !== null) {
    lowering(planner, equation);
    return;
  }
  if (primitive.lower === undefined || (onCard && !options.hostFallback)) {
    throw new CudaError(
      `${name}: cuda does not have this operation${inputs.length === 0 ? "" : ` on ${inputs[0].dtype}`}; move the operands with .to("cpu"), or open the backend with { hostFallback: true }.`,
    );
  }
  const arrays = storedInputs(planner, equation);
  planner.steps.push({ kind: "host", equation, inputs: arrays, outputs: freshOutputs(planner, equation) });
}

function storedInputs(planner: Planner, { inputs }: Equation): number[] {
  return inputs.map((x) => wholeArray(planner, x));
}

function freshOutputs(planner: Planner, { outputs }: Equation): number[] {
  return outputs.map((out) => {
    const array = planner.newArray(out.dtype, sizeOf(out.shape));
    planner.set(out, wholeView(array, out.dtype, out.shape));
    return array;
  });
}

/** An array with the elements of a value, all of them and nothing else. */
function wholeArray(planner: Planner, atom: Atom): number {
  const x = planner.view(atom);
  const size = sizeOf(x.shape);
  if (size === 0 || (isContiguous(x) && x.offset === 0 && planner.arrays[x.array].size === size)) return x.array;
  const whole = wholeView(planner.newArray(x.dtype, size), x.dtype, x.shape);
  planner.emitCopy(x, whole);
  return whole.array;
}

/** Chains of one shape that are all wanted are computed by one kernel. */
function storeOutputs(planner: Planner, outputs: readonly Atom[]): number[] {
  const pending = new Map<string, Node[]>();
  for (const y of outputs) {
    const value = planner.value(y);
    if (!(value instanceof Node)) continue;
    const key = value.shape.join();
    const list = pending.get(key) ?? [];
    if (!list.includes(value)) list.push(value);
    pending.set(key, list);
  }
  for (const list of pending.values()) {
    for (let i = 0; i < list.length; i += mostResults) {
      const group = list.slice(i, i + mostResults).filter((node) => node.stored === null);
      const small = group.reduce((sum, node) => sum + node.reads, 0) <= 24;
      if (small && group.length > 0) planner.emitMap(group);
      else for (const node of group) if (node.stored === null) planner.emitMap([node]);
    }
  }
  return outputs.map((y) => wholeArray(planner, y));
}

function lowerControl(planner: Planner, equation: Equation, options: PlanOptions): void {
  const { name } = equation.primitive;
  const inputs = storedInputs(planner, equation);
  const inner = (graph: Graph): Plan => planGraph(graph, options);
  if (name === "check") {
    planner.steps.push({ kind: "check", equation, inputs });
    return;
  }
  const outputs = freshOutputs(planner, equation);
  if (name === "scan") {
    const { body } = equation.params as { body: Graph };
    planner.steps.push({ kind: "scan", equation, inputs, outputs, body: inner(body) });
  } else if (name === "cond") {
    const [no, yes] = (equation.params as { branches: readonly [Graph, Graph] }).branches;
    planner.steps.push({ kind: "cond", equation, inputs, outputs, branches: [inner(no), inner(yes)] });
  } else {
    const { condition, body } = equation.params as { condition: Graph; body: Graph };
    planner.steps.push({ kind: "while", equation, inputs, outputs, condition: inner(condition), body: inner(body) });
  }
}

/** How often each variable is read. */
function countUses(equations: readonly Equation[], outputs: readonly Atom[]): Map<Variable, number> {
  const uses = new Map<Variable, number>();
  for (const atom of [...equations.flatMap(({ inputs }) => inputs), ...outputs]) {
    if (!isTensor(atom)) uses.set(atom, (uses.get(atom) ?? 0) + 1);
  }
  return uses;
}
