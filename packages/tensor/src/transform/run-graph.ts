/** Running a graph on values: by the backend's own executable where it compiles, else one equation after the other. */

import { commonBackend, execute } from "../backend/execute.js";
import type { Backend, Executable } from "../backend/backend.js";
import { cpu } from "../cpu/backend.js";
import { productsGeneration } from "../cpu/external-products.js";
import { compileGraph } from "../cpu/wasm/compile.js";
import { transfer } from "../backend/read.js";
import { reshapePrimitive } from "../primitives/movement.js";
import { Tensor } from "../tensor.js";
import { cached, Variable, type Atom, type Graph } from "./graph.js";
import { flattenCalls } from "./simplify.js";

interface Step {
  readonly equation: Graph["equations"][number];
  /** Number of each operand's slot, or the constant itself. */
  readonly inputs: readonly (number | Tensor)[];
  readonly outputs: readonly number[];
  /** Slots whose values no later step reads. */
  readonly dead: readonly number[];
}

interface Plan {
  readonly steps: readonly Step[];
  readonly slots: number;
  readonly outputs: readonly (number | Tensor)[];
}

/** Slots for the variables, and when each value is read for the last time. */
function plan(graph: Graph): Plan {
  const slot = new Map<Variable, number>();
  const place = (v: Variable): number => {
    slot.set(v, slot.size);
    return slot.size - 1;
  };
  const find = (atom: Atom): number | Tensor => (atom instanceof Variable ? slot.get(atom)! : atom);
  graph.inputs.forEach(place);
  const bare = graph.equations.map((equation) => ({
    equation,
    inputs: equation.inputs.map(find),
    outputs: equation.outputs.map(place),
  }));
  const outputs = graph.outputs.map(find);
  const alive = new Set(outputs.filter((s) => typeof s === "number"));
  // The caller keeps the arguments.
  for (let i = 0; i < graph.inputs.length; i++) alive.add(i);
  const steps: Step[] = [];
  for (let i = bare.length - 1; i >= 0; i--) {
    const dead: number[] = [];
    for (const s of [...bare[i].inputs, ...bare[i].outputs]) {
      if (typeof s === "number" && !alive.has(s)) {
        alive.add(s);
        dead.push(s);
      }
    }
    steps.push({ ...bare[i], dead });
  }
  return { steps: steps.reverse(), slots: slot.size, outputs };
}

/** Frees values on devices, which no garbage collector sees, unless one of `kept` holds the same elements. */
export function freeDead(values: readonly Tensor[], kept: readonly Tensor[], more?: ReadonlySet<unknown>): void {
  for (const x of values) {
    if (x.owner === cpu || x.buffer === null || more?.has(x.buffer)) continue;
    if (!kept.some((y) => y.buffer === x.buffer)) x.dispose();
  }
}

/** How many slots hold a device's handle: what is in none can be freed before the graph has run to its end. */
class Holders {
  private readonly counts = new Map<unknown, number>();

  add(x: Tensor): void {
    if (x.owner !== cpu) this.counts.set(x.buffer, (this.counts.get(x.buffer) ?? 0) + 1);
  }
  remove(x: Tensor): void {
    const count = this.counts.get(x.buffer);
    if (count === undefined) return;
    if (count > 1) this.counts.set(x.buffer, count - 1);
    else {
      this.counts.delete(x.buffer);
      x.dispose();
    }
  }
}

function interpret(graph: Graph, inputs: readonly Tensor[]): Tensor[] {
  const { steps, slots, outputs } = cached(graph, "plan", () => plan(graph));
  const values = new Array<Tensor | null>(slots).fill(null);
  const holders = new Holders();
  inputs.forEach((x, i) => {
    values[i] = x;
    holders.add(x);
  });
  // The graph keeps its constants.
  for (const step of steps) for (const o of step.inputs) if (typeof o !== "number") holders.add(o);
  for (const { equation, inputs: operands, outputs: places, dead } of steps) {
    const results = execute(
      equation.primitive,
      operands.map((o) => (typeof o === "number" ? values[o]! : o)),
      equation.params,
    );
    for (let i = 0; i < places.length; i++) {
      values[places[i]] = results[i];
      holders.add(results[i]);
    }
    for (const s of dead) {
      holders.remove(values[s]!);
      values[s] = null;
    }
  }
  // A constant of the graph is not given away: who gets it may dispose it.
  return outputs.map((o) => (typeof o === "number" ? values[o]! : copyOf(o)));
}

function copyOf(x: Tensor): Tensor {
  return execute(reshapePrimitive, [x], { shape: x.shape })[0];
}

/** The CPU's is called directly: the backend stands below the graphs and cannot know them. */
function compilerOf(backend: Backend): Backend["compile"] {
  return backend === cpu ? compileGraph : backend.compile;
}

/** Runs after which it pays to compile a graph that nobody asked to be compiled: the body of an eager loop. */
const compileAfter = 8;

/**
 * Outputs of the graph for concrete inputs.
 *
 * @param compile - Whether to compile it at once, as jit wants.
 */
export function runGraph(
  graph: Graph,
  inputs: readonly Tensor[],
  { compile = false }: { readonly compile?: boolean } = {},
): readonly Tensor[] {
  const flat = flattenCalls(graph);
  const backend = commonBackend("jit", inputs);
  const compiler = compilerOf(backend);
  if (compiler === undefined) return interpret(flat, inputs);
  const runs = cached(flat, "runs", () => ({ count: 0 }));
  if (!compile && runs.count++ < compileAfter) return interpret(flat, inputs);
  // By the backend itself: two cards may have been given one name, or one be opened again.
  const executables = cached(flat, `compile ${productsGeneration()}`, () => new WeakMap<Backend, Executable | null>());
  let executable = executables.get(backend);
  if (executable === undefined) executables.set(backend, (executable = compiler(flat)));
  if (executable === null) return interpret(flat, inputs);
  const buffers = executable(inputs.map((x) => transfer(x, backend).buffer));
  const committed = inputs.some((x) => x.committed);
  return flat.outputs.map((y, i) => new Tensor(y.shape, y.dtype, y.weak, 0, backend, buffers[i], committed));
}
