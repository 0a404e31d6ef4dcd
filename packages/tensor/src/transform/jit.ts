/**
 * Tracing a function once for each kind of arguments, simplifying what it does, and running that.
 */

import { floatDTypeOf } from "../dtype.js";
import { TracingError, TreeError } from "../errors.js";
import { currentBackend } from "../backend/registry.js";
import { unslab } from "../scope.js";
import { isTensor, type Tensor } from "../tensor.js";
import { scalar } from "../ops/operands.js";
import {
  depthLimit,
  flattenAny,
  flattenTree,
  formatPath,
  isPlainObject,
  sortedKeys,
  unflattenAny,
  type Structure,
} from "../tree/tree.js";
import { callPrimitive } from "./call.js";
import { formatGraph, traceGraph, type Graph } from "./graph.js";
import { refusePromise } from "./jvp.js";
import { simplify } from "./simplify.js";
import { bind, debugging } from "./trace.js";
import { nameOf } from "./tracer.js";

export interface JitOptions {
  /** Positions of arguments that are no trees of tensors and numbers: functions, strings, settings. Compared by identity or value. */
  readonly staticArgs?: readonly number[];
  /** Positions of arguments whose tensors are given up: their memory may be reused, and they are disposed after the call. */
  readonly donate?: readonly number[];
}

/** A compiled function. */
export interface Jitted<A extends readonly unknown[], R> {
  (...args: A): R;
  /** The same as a Promise; on devices it does not keep the event loop waiting. An aborted `signal` cancels the call before it starts. */
  async(...args: [...A, { readonly signal?: AbortSignal }?]): Promise<R>;
}

interface Compiled {
  readonly graph: Graph;
  readonly out: Structure;
  readonly captured: readonly Tensor[];
}

const cacheSize = 64;
const warnAt = 32;

/** Compiled variants of each function, by signature, in order of last use. */
const variants = /* @__PURE__ */ new WeakMap<object, Map<string, Compiled>>();

/** Numbers for static arguments that are objects. */
const identities = /* @__PURE__ */ new WeakMap<object, number>();
let identityCount = 0;

function identity(value: unknown): string {
  if (typeof value === "string") return `string${value.length}:${value}`;
  if ((typeof value !== "object" && typeof value !== "function") || value === null)
    return `${typeof value}:${String(value)}`;
  let id = identities.get(value);
  if (id === undefined) identities.set(value, (id = ++identityCount));
  return `#${id}`;
}

interface Arguments {
  /** Tensors, and numbers as weak scalars: the inputs of the graph. */
  readonly inputs: readonly Tensor[];
  readonly key: string;
  /** The arguments with other tensors in the places of `inputs`. */
  rebuild(inputs: readonly Tensor[]): unknown[];
}

function readArguments(args: readonly unknown[], staticArgs: readonly number[]): Arguments {
  const inputs: Tensor[] = [];
  let key = identity(currentBackend());
  for (let i = 0; i < args.length; i++) {
    key += staticArgs.includes(i) ? `|${identity(args[i])}` : `|${readTree(args[i], inputs, args[i], i, 0)}`;
  }
  return { inputs, key, rebuild: (values) => withInputs(args, staticArgs, values) };
}

/**
 * Adds the tensors and numbers of a tree to `inputs` and returns a key, equal for trees that one graph serves. Together with a look-up
 * this is what calling a compiled function costs, so it goes over the tree once and makes nothing but the key.
 */
function readTree(value: unknown, inputs: Tensor[], root: unknown, position: number, depth: number): string {
  if (isTensor(value)) {
    inputs.push(value);
    let key = value.weak ? `${value.dtype}w` : value.dtype;
    for (const length of value.shape) key += `,${length}`;
    return `${key},${value.backend}`;
  }
  if (typeof value === "number") {
    inputs.push(weakScalar(value));
    return "n";
  }
  if (typeof value === "boolean" || typeof value === "string") return identity(value);
  if (value === null || value === undefined) return "-";
  if (depth <= depthLimit && Array.isArray(value)) {
    let key = "[";
    for (const child of value as unknown[]) key += `${readTree(child, inputs, root, position, depth + 1)};`;
    return `${key}]`;
  }
  if (depth <= depthLimit && typeof value === "object" && isPlainObject(value)) {
    let key = "{";
    for (const name of sortedKeys(value)) {
      const child = readTree((value as Record<string, unknown>)[name], inputs, root, position, depth + 1);
      key += `${name.length}:${name}${child};`;
    }
    return `${key}}`;
  }
  throw unreadable(root, position);
}

/** Why a tree cannot be an argument, naming the place. */
function unreadable(root: unknown, position: number): TreeError {
  const name = `arguments[${position}]`;
  const { leaves, paths } = flattenAny(root, "jit", name);
  const readable = ["number", "boolean", "string"];
  const at = leaves.findIndex((leaf) => !isTensor(leaf) && !readable.includes(typeof leaf));
  return new TreeError(
    `jit: ${formatPath(paths[at], name)} is a ${typeof leaves[at]}; wants tensors, numbers, booleans or strings. Name it in staticArgs.`,
  );
}

/** The arguments with `values` in the places of their tensors and numbers. */
function withInputs(args: readonly unknown[], staticArgs: readonly number[], values: readonly Tensor[]): unknown[] {
  let next = 0;
  return args.map((arg, i) => {
    if (staticArgs.includes(i)) return arg;
    const { leaves, structure } = flattenAny(arg, "jit", `arguments[${i}]`);
    const filled = leaves.map((leaf) => (isTensor(leaf) || typeof leaf === "number" ? values[next++] : leaf));
    return unflattenAny(structure, filled, "jit");
  });
}

/** A JS number as an input whose dtype gives way to what it meets; float64 where the backend has it, so that nothing is lost. */
export function weakScalar(value: number): Tensor {
  const dtype = currentBackend().capabilities.dtypes.includes("float64") ? "float64" : floatDTypeOf("float32");
  return scalar(value, dtype, true);
}

function compile(f: (...args: never[]) => unknown, { inputs, rebuild }: Arguments): Compiled {
  let out: Structure | null = null;
  const { graph, captured } = traceGraph(
    nameOf("jit", f),
    (tracers) => {
      const result = (f as (...args: unknown[]) => unknown)(...rebuild(tracers));
      refusePromise(result, "jit");
      const flat = flattenTree(result, "jit", "the result");
      out = flat.structure;
      return flat.leaves;
    },
    inputs,
  );
  return { graph: simplify(graph), out: out!, captured };
}

/**
 * `f`, traced once for each combination of shapes, dtypes, tree structures and static values of its arguments, simplified, and run from
 * then on without f. Composes with every other transformation, inside and outside.
 *
 * Numbers in arguments are inputs (a changing learning rate does not retrace); booleans and strings are static. f must not depend on
 * anything that changes: a captured variable is read when f is traced.
 */
export function jit<A extends readonly unknown[], R>(f: (...args: A) => R, options: JitOptions = {}): Jitted<A, R> {
  const { staticArgs = [], donate = [] } = options;
  const name = nameOf("jit", f);
  const call = (...args: A): R => {
    const read = readArguments(args, staticArgs);
    const { graph, out, captured } = lookUp(f as never, read);
    const results = bind(callPrimitive, [...read.inputs, ...captured], { graph, name });
    for (const y of results) if (y.tag === 0) unslab(y);
    for (const position of donate) giveUp(args[position], results);
    return unflattenAny(out, results, "jit") as R;
  };
  return Object.assign(call, {
    async: async (...all: [...A, { readonly signal?: AbortSignal }?]): Promise<R> => {
      const last: unknown = all[all.length - 1];
      const signal =
        typeof last === "object" && last !== null && "signal" in last && last.signal instanceof AbortSignal
          ? last.signal
          : null;
      const args = (signal === null ? all : all.slice(0, -1)) as unknown as A;
      signal?.throwIfAborted();
      // Lets whoever holds the signal speak first.
      await new Promise((resolve) => setTimeout(resolve, 0));
      signal?.throwIfAborted();
      return call(...args);
    },
  });
}

function lookUp(f: (...args: never[]) => unknown, read: Arguments): Compiled {
  let table = variants.get(f);
  if (table === undefined) variants.set(f, (table = new Map()));
  const known = table.get(read.key);
  if (known !== undefined) {
    if (debugging.enabled) checkCaptures(f, read, known);
    if (table.size > 1) {
      table.delete(read.key);
      table.set(read.key, known);
    }
    return known;
  }
  const compiled = compile(f, read);
  // Values of enclosing transformations are different tensors at the next call.
  if (compiled.captured.length > 0) return compiled;
  table.set(read.key, compiled);
  if (table.size === warnAt) {
    // eslint-disable-next-line no-console -- said once a function; nothing else would tell why it is slow.
    console.warn(
      `${nameOf("jit", f)} was traced for ${warnAt} different signatures; shapes or static values change at every call.`,
    );
  }
  if (table.size > cacheSize) table.delete(table.keys().next().value!);
  return compiled;
}

/** With `debug`: traces again and compares, to find captured variables that changed. */
function checkCaptures(f: (...args: never[]) => unknown, read: Arguments, known: Compiled): void {
  if (formatGraph(compile(f, read).graph) !== formatGraph(known.graph)) {
    throw new TracingError(
      `${nameOf("jit", f)}: a captured value changed since it was traced; pass it as an argument.`,
    );
  }
}

function giveUp(tree: unknown, results: readonly Tensor[]): void {
  const kept = new Set(results.map((y) => y.buffer));
  for (const x of flattenAny(tree, "jit", "donated").leaves) {
    if (isTensor(x) && x.tag === 0 && !kept.has(x.buffer)) x.dispose();
  }
}

/** What `f` does with arguments like these, as a graph; `toString()` prints one equation a line. */
export function makeGraph<A extends readonly unknown[]>(
  f: (...args: A) => unknown,
  ...args: A
): Graph & { toString(): string } {
  const { graph } = compile(f as never, readArguments(args, []));
  return { ...graph, toString: () => formatGraph(graph) };
}

/** Turns checks that help to find mistakes on or off: where a leaked tracer was made, captured values that changed. Slow. */
export function configure({ debug }: { readonly debug?: boolean }): void {
  if (debug !== undefined) debugging.enabled = debug;
}
