/** Graphs: a function as a list of equations over variables of fixed shape and dtype. What jit compiles and control flow carries. */

import type { Aval, Primitive } from "../primitives/primitive.js";
import type { DType } from "../dtype.js";
import { TracingError } from "../errors.js";
import { unscoped } from "../scope.js";
import { formatShape, type Shape } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { ambientGraph, bind, Trace, type GraphRecorder } from "./trace.js";
import { Tracer } from "./tracer.js";

let lastId = 0;

/** One value of a graph. */
export class Variable implements Aval {
  readonly id: number = ++lastId;
  constructor(
    readonly shape: Shape,
    readonly dtype: DType,
    readonly weak: boolean,
  ) {}
}

/** An operand: a variable, or a constant that was captured. */
export type Atom = Variable | Tensor;

export interface Equation {
  readonly primitive: Primitive;
  readonly inputs: readonly Atom[];
  readonly params: unknown;
  readonly outputs: readonly Variable[];
}

/** A function in single-assignment form: each variable is an input or the output of one earlier equation. */
export interface Graph {
  readonly inputs: readonly Variable[];
  readonly equations: readonly Equation[];
  readonly outputs: readonly Atom[];
}

class GraphTracer extends Tracer {
  readonly variable: Variable;
  constructor(trace: GraphTrace, variable: Variable) {
    super(trace, variable.shape, variable.dtype, variable.weak);
    this.variable = variable;
  }
  known(): null {
    return null;
  }
}

class GraphTrace extends Trace implements GraphRecorder {
  readonly equations: Equation[] = [];
  /** Values of enclosing transformations that the function closes over, as further inputs. */
  readonly captured = new Map<Tensor, Variable>();

  /** @param whole - Whether it is not certain that the graph runs as often as it is traced: then all that f does belongs to it. */
  constructor(
    name: string,
    readonly whole: boolean,
  ) {
    super(name);
  }

  /** Constants always, so that large ones are made when the graph runs; what may throw or has a derivative if the graph is whole. */
  claims(primitive: Primitive, inputs: readonly Tensor[], params: unknown, tag: number): boolean {
    return inputs.length === 0 || (this.whole && (tag > 0 || mayThrow({ primitive, params })));
  }

  process(primitive: Primitive, inputs: readonly Tensor[], params: unknown): readonly Tensor[] {
    const atoms = inputs.map((x) => this.atom(x));
    const outputs = primitive.shape(atoms, params).map(({ shape, dtype, weak }) => new Variable(shape, dtype, weak));
    this.equations.push({ primitive, inputs: atoms, params, outputs });
    return outputs.map((variable) => new GraphTracer(this, variable));
  }

  input(like: Aval): GraphTracer {
    return new GraphTracer(this, new Variable(like.shape, like.dtype, like.weak));
  }

  atom(x: Tensor): Atom {
    if (x.tag === this.tag) return (x as GraphTracer).variable;
    if (x.tag === 0) return x;
    let variable = this.captured.get(x);
    if (variable === undefined) this.captured.set(x, (variable = new Variable(x.shape, x.dtype, x.weak)));
    return variable;
  }
}

/** A traced function: its graph, and the tracers of enclosing transformations that it takes as inputs after its own. */
export interface Traced {
  readonly graph: Graph;
  readonly captured: readonly Tensor[];
}

/**
 * Records what `f` does with inputs like `avals`.
 *
 * @param whole - Whether what f does with values that it closes over belongs to the graph, too: where the graph may not run (a branch, the
 * body of a loop), a check must not be made and an infinite derivative not be taken outside of it. Otherwise that is done once, now.
 */
export function traceGraph(
  name: string,
  f: (inputs: Tensor[]) => readonly Tensor[],
  avals: readonly Aval[],
  { whole = false }: { readonly whole?: boolean } = {},
): Traced {
  const outer = ambientGraph.current;
  const trace = new GraphTrace(name, whole || (outer instanceof GraphTrace && outer.whole));
  ambientGraph.current = trace;
  try {
    const inputs = avals.map((like) => trace.input(like));
    // The graph keeps its constants, also if a tidy around the first call ends.
    const outputs = unscoped(() => f(inputs)).map((y) => trace.atom(y));
    const captured = [...trace.captured.keys()];
    return {
      graph: {
        inputs: [...inputs.map((x) => x.variable), ...trace.captured.values()],
        equations: trace.equations,
        outputs,
      },
      captured,
    };
  } finally {
    ambientGraph.current = outer;
    trace.alive = false;
  }
}

/** {@link traceGraph} of a function that closes over nothing but constants. */
export function closedGraph(name: string, f: (inputs: Tensor[]) => readonly Tensor[], avals: readonly Aval[]): Graph {
  const { graph, captured } = traceGraph(name, f, avals, { whole: true });
  if (captured.length > 0)
    throw new TracingError(`${name}: a derived graph captured a traced value; this is a mistake in a rule of Curv.`);
  return graph;
}

/** Does what the graph says with any tensors, tracers included. */
export function evaluate(graph: Graph, inputs: readonly Tensor[]): Tensor[] {
  const values = new Map<Variable, Tensor>();
  graph.inputs.forEach((variable, i) => values.set(variable, inputs[i]));
  const read = (atom: Atom): Tensor => (atom instanceof Variable ? values.get(atom)! : atom);
  for (const { primitive, inputs: atoms, params, outputs } of graph.equations) {
    const results = bind(primitive, atoms.map(read), params);
    outputs.forEach((variable, i) => values.set(variable, results[i]));
  }
  return graph.outputs.map(read);
}

const derived = /* @__PURE__ */ new WeakMap<Graph, Map<string, unknown>>();

/** What was made from a graph, made once for each key: its derivatives, batches, transposes, plans. */
export function cached<T>(graph: Graph, key: string, make: () => T): T {
  let table = derived.get(graph);
  if (table === undefined) derived.set(graph, (table = new Map<string, unknown>()));
  if (!table.has(key)) table.set(key, unscoped(make));
  return table.get(key) as T;
}

const ids = /* @__PURE__ */ new WeakMap<Graph, number>();

/** A number of its own for each graph, for cache keys that involve two. */
export function graphId(graph: Graph): number {
  if (!ids.has(graph)) ids.set(graph, ++lastId);
  return ids.get(graph)!;
}

/** Booleans as a cache key. */
export function flags(list: readonly boolean[]): string {
  return list.map((flag) => (flag ? "1" : "0")).join("");
}

/** The same equations with inputs and outputs in another order: place i takes number order[i]. */
export function reorder(graph: Graph, inputOrder: readonly number[], outputOrder: readonly number[]): Graph {
  return cached(graph, `reorder ${inputOrder.join()} ${outputOrder.join()}`, () => ({
    inputs: inputOrder.map((i) => graph.inputs[i]),
    equations: graph.equations,
    outputs: outputOrder.map((i) => graph.outputs[i]),
  }));
}

/** Whether running the graph may throw for its values. */
export function hasEffects(graph: Graph): boolean {
  return cached(graph, "effects", () => graph.equations.some(mayThrow));
}

/** Whether an application may throw for its values. */
export function mayThrow({ primitive, params }: Pick<Equation, "primitive" | "params">): boolean {
  return primitive.effect === true || subgraphs(params).some(hasEffects);
}

/** The graphs that an equation carries in its params. */
export function subgraphs(params: unknown): Graph[] {
  if (typeof params !== "object" || params === null) return [];
  return Object.values(params).flatMap((value) =>
    isGraph(value) ? [value] : Array.isArray(value) ? value.filter(isGraph) : [],
  );
}

/** The constants of a graph and of the graphs in it; one may come more than once. */
export function constantsOf(graph: Graph): Tensor[] {
  const isConstant = (atom: Atom): atom is Tensor => !(atom instanceof Variable);
  return [
    ...graph.equations.flatMap(({ inputs, params }) => [
      ...inputs.filter(isConstant),
      ...subgraphs(params).flatMap(constantsOf),
    ]),
    ...graph.outputs.filter(isConstant),
  ];
}

function isGraph(value: unknown): value is Graph {
  return typeof value === "object" && value !== null && "equations" in value && "outputs" in value;
}

/** The graph as text: one equation a line. */
export function formatGraph(graph: Graph): string {
  const names = new Map<Variable, string>();
  const name = (atom: Atom): string => {
    if (!(atom instanceof Variable))
      return atom.rank === 0 ? atom.toString().split(" ")[0] : `const ${atom.dtype}${formatShape(atom.shape)}`;
    let known = names.get(atom);
    if (known === undefined) names.set(atom, (known = letters(names.size)));
    return known;
  };
  const typed = (v: Variable): string => `${name(v)}:${v.dtype}${formatShape(v.shape)}`;
  const lines = [`inputs ${graph.inputs.map(typed).join(" ")}`];
  for (const { primitive, inputs, outputs, params } of graph.equations) {
    const settings = formatParams(params);
    lines.push(
      `  ${outputs.map(typed).join(" ")} = ${primitive.name}${settings} ${inputs.map(name).join(" ")}`.trimEnd(),
    );
  }
  lines.push(`outputs ${graph.outputs.map(name).join(" ")}`);
  return lines.join("\n");
}

function letters(i: number): string {
  const letter = String.fromCharCode(97 + (i % 26));
  return i < 26 ? letter : letters(Math.floor(i / 26) - 1) + letter;
}

function formatParams(params: unknown): string {
  if (params === null || typeof params !== "object") return "";
  const parts = Object.entries(params)
    .filter(([, v]) => v !== undefined)
    .map(
      ([key, v]) =>
        `${key}=${isGraph(v) ? `graph(${v.equations.length} equations)` : typeof v === "function" ? "function" : Array.isArray(v) && v.some(isGraph) ? "graphs" : JSON.stringify(v)}`,
    );
  return `{${parts.join(", ")}}`;
}
