/** Simplification of graphs: calls opened, constants folded, equal equations merged, dead ones dropped. Values do not change. */

import { execute } from "../backend/execute.js";
import type { Primitive } from "../primitives/primitive.js";
import { sizeOf } from "../shape.js";
import { Tensor } from "../tensor.js";
import { callPrimitive } from "./call.js";
import { cached, mayThrow, Variable, type Atom, type Equation, type Graph } from "./graph.js";
import { customJvpPrimitive, customVjpPrimitive } from "./custom.js";

/** Results of at most so many elements are computed once, at trace time. */
const foldLimit = 1024;

/** The graph without dead equations, duplicates and constant subexpressions. */
export function simplify(graph: Graph): Graph {
  return cached(graph, "simplify", () => removeDead(mergeEqual(graph)));
}

/** Simplification after opening the calls that only matter to transformations; what an executor wants. */
export function flattenCalls(graph: Graph): Graph {
  return cached(graph, "flattenCalls", () => simplify(opened(graph, callOf)));
}

/**
 * The graph simplified, with the graphs of calls and of what stands for one in their places, so that only loops, branches and checks still
 * have theirs. Equal equations of two checkpoints are not merged: what is to be computed again is computed again.
 *
 * Small constants are computed on the way, by the backend in use. So a backend must not open the graph of the primitive that it was just
 * asked to run.
 */
export function openGraph(graph: Graph): Graph {
  return cached(graph, "openGraph", () => removeDead(opened(flattenCalls(graph), standsFor)));
}

/** Equations that an output or an effect needs. */
export function removeDead(graph: Graph): Graph {
  const needed = new Set<Variable>();
  const need = (atom: Atom): void => {
    if (atom instanceof Variable) needed.add(atom);
  };
  graph.outputs.forEach(need);
  const kept: Equation[] = [];
  for (let i = graph.equations.length - 1; i >= 0; i--) {
    const equation = graph.equations[i];
    if (!mayThrow(equation) && !equation.outputs.some((v) => needed.has(v))) continue;
    kept.push(equation);
    equation.inputs.forEach(need);
  }
  return kept.length === graph.equations.length ? graph : { ...graph, equations: kept.reverse() };
}

/** Common subexpressions and constant folding, in one pass. */
function mergeEqual(graph: Graph): Graph {
  const replaced = new Map<Variable, Atom>();
  const resolve = (atom: Atom): Atom => (atom instanceof Variable ? (replaced.get(atom) ?? atom) : atom);
  const seen = new Map<string, readonly Atom[]>();
  const keys = new Keys();
  const equations: Equation[] = [];
  for (const equation of graph.equations) {
    const inputs = equation.inputs.map(resolve);
    const current: Equation = { ...equation, inputs };
    if (mayThrow(current)) {
      equations.push(current);
      continue;
    }
    const key = keys.of(current);
    const known = seen.get(key);
    if (known !== undefined) {
      current.outputs.forEach((v, i) => replaced.set(v, known[i]));
      continue;
    }
    if (isFoldable(current)) {
      const values = execute(current.primitive, inputs as readonly Tensor[], current.params);
      current.outputs.forEach((v, i) => replaced.set(v, values[i]));
      seen.set(key, values);
      continue;
    }
    seen.set(key, current.outputs);
    equations.push(current);
  }
  return { inputs: graph.inputs, equations, outputs: graph.outputs.map(resolve) };
}

function isFoldable({ primitive, inputs, outputs }: Equation): boolean {
  return (
    primitive.lower !== undefined &&
    outputs.every((v) => sizeOf(v.shape) < foldLimit) &&
    inputs.every((x) => x instanceof Tensor && x.buffer !== null && x.owner!.downloadSync !== undefined)
  );
}

/** Texts that are equal for equations that compute the same. */
class Keys {
  private readonly constants = new Map<Tensor, string>();
  private readonly objects = new Map<object, number>();

  of({ primitive, inputs, params }: Equation): string {
    return `${primitive.id}(${inputs.map((x) => this.atom(x)).join()})${this.value(params)}`;
  }

  private atom(x: Atom): string {
    if (x instanceof Variable) return `v${x.id}`;
    let key = this.constants.get(x);
    if (key === undefined) {
      // Scalars are the same if their values are; larger constants if they are one tensor.
      const scalar = x.rank === 0 && x.buffer !== null && ArrayBuffer.isView(x.buffer);
      const element = scalar ? (x.buffer as unknown as ArrayLike<number>)[0] : 0;
      key = scalar
        ? `s${x.dtype}${x.weak ? "w" : ""}${Object.is(element, -0) ? "-0" : element}`
        : `c${this.identity(x)}`;
      this.constants.set(x, key);
    }
    return key;
  }

  private value(v: unknown): string {
    if (Array.isArray(v)) return `[${v.map((e) => this.value(e)).join()}]`;
    if (typeof v === "function") return `f${this.identity(v)}`;
    if (typeof v === "object" && v !== null) {
      const prototype: unknown = Object.getPrototypeOf(v);
      if (prototype !== Object.prototype || "equations" in v) return `o${this.identity(v)}`;
      return `{${Object.entries(v)
        .map(([k, e]) => `${k}:${this.value(e)}`)
        .join()}}`;
    }
    return Object.is(v, -0) ? "-0" : String(v);
  }

  private identity(o: object): number {
    let id = this.objects.get(o);
    if (id === undefined) this.objects.set(o, (id = this.objects.size));
    return id;
  }
}

/** A graph that an application may be replaced by, and which operands that takes. */
type Inside = ReturnType<NonNullable<Primitive["standsFor"]>> | undefined;

/** Calls of jit, and of functions with custom derivatives. */
function callOf({ primitive, params }: Equation): Inside {
  if (primitive !== callPrimitive && primitive !== customJvpPrimitive && primitive !== customVjpPrimitive)
    return undefined;
  const { graph } = params as { graph: Graph };
  return { graph, takes: graph.inputs.map((_, i) => i) };
}

/** What a primitive stands for, as an executor wants it. */
function standsFor({ primitive, params, inputs }: Equation): Inside {
  const inside = primitive.standsFor?.(params, inputs.length);
  return inside && { ...inside, graph: flattenCalls(inside.graph) };
}

/** Replaces equations by the graphs `inside` them, in which the same is done; all results get names of their own. */
function opened(graph: Graph, inside: (equation: Equation) => Inside): Graph {
  const equations: Equation[] = [];
  const open = ({ equations: list, outputs: results }: Graph, values: Map<Variable, Atom>): Atom[] => {
    const read = (atom: Atom): Atom => (atom instanceof Variable ? values.get(atom)! : atom);
    for (const equation of list) {
      const inputs = equation.inputs.map(read);
      const inner = inside(equation);
      let outputs: readonly Atom[];
      if (inner === undefined) {
        const fresh = equation.outputs.map((v) => new Variable(v.shape, v.dtype, v.weak));
        equations.push({ ...equation, inputs, outputs: fresh });
        outputs = fresh;
      } else {
        outputs = open(inner.graph, new Map(inner.graph.inputs.map((v, i) => [v, inputs[inner.takes[i]]])));
      }
      equation.outputs.forEach((v, i) => values.set(v, outputs[i]));
    }
    return results.map(read);
  };
  return { inputs: graph.inputs, outputs: open(graph, new Map(graph.inputs.map((v) => [v, v]))), equations };
}
