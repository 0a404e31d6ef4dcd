/** Values of a plan before they are stored: chains of elementwise operations that some kernel will compute where it needs them. */

import type { DType, Shape } from "@curv/tensor";
import type { DeviceFunction } from "./codegen/portable.js";
import type { Operation, ScalarProgram, ValueType } from "./codegen/types.js";
import { sizeOf, type View } from "./view.js";

/** The same number at every place. */
export interface Literal {
  readonly literal: number;
  readonly dtype: DType;
  readonly shape: Shape;
}

/** An elementwise operation whose result has no array yet. Its operands have its shape. */
export class Node {
  /** Set when a kernel has stored the result: then it is read, not computed again. */
  stored: View | null = null;
  /** Operations of the whole chain, roughly. */
  readonly cost: number;
  /** Arrays that the whole chain reads, at most. */
  readonly reads: number;

  constructor(
    readonly name: string,
    readonly type: ValueType,
    readonly result: ValueType,
    readonly shape: Shape,
    readonly operands: readonly Value[],
    /** How often the variable that it belongs to is read; 0 for a part of an operation. */
    readonly uses: number,
    readonly n: number = 0,
    /** A function of another package that computes it. */
    readonly call: DeviceFunction | null = null,
  ) {
    const own = call === null ? 1 : costOfCall;
    this.cost = operands.reduce((sum, x) => sum + (x instanceof Node && x.stored === null ? x.cost : 0), own);
    this.reads = operands.reduce((sum, x) => sum + readsOf(x), 0);
  }
}

export type Value = View | Literal | Node;

function readsOf(x: Value): number {
  if (x instanceof Node) return x.stored === null ? x.reads : 1;
  return "literal" in x ? 0 : 1;
}

/** Limits of one kernel. */
export const mostReads = 14;
export const mostOperations = 48;
export const mostResults = 8;
/** A function of another package is long: two of them in a kernel, with what is around them. */
const costOfCall = 20;

export function isLiteral(x: Value): x is Literal {
  return "literal" in x;
}

export function isView(x: Value): x is View {
  return "array" in x;
}

/** The stored form of a value, where there is one. */
export function settled(x: Value): Value {
  return x instanceof Node && x.stored !== null ? x.stored : x;
}

/** A scalar program with the arrays and numbers that it is applied to. */
export interface Collected {
  readonly program: ScalarProgram;
  readonly views: readonly View[];
  readonly literals: readonly Literal[];
}

/** Writes values as one program: each array, number and operation once. */
export function collect(roots: readonly Value[]): Collected {
  const views = new Map<string, View>();
  const literals = new Map<string, Literal>();
  const nodes: Node[] = [];
  const seen = new Set<Node>();
  const visit = (value: Value): void => {
    const x = settled(value);
    if (x instanceof Node) {
      if (seen.has(x)) return;
      seen.add(x);
      x.operands.forEach(visit);
      nodes.push(x);
    } else if (isLiteral(x)) literals.set(literalKey(x), x);
    else views.set(viewKey(x), x);
  };
  roots.forEach(visit);
  const [viewKeys, literalKeys] = [[...views.keys()], [...literals.keys()]];
  const first = viewKeys.length + literalKeys.length;
  const numberOf = (value: Value): number => {
    const x = settled(value);
    if (x instanceof Node) return first + nodes.indexOf(x);
    return isLiteral(x) ? viewKeys.length + literalKeys.indexOf(literalKey(x)) : viewKeys.indexOf(viewKey(x));
  };
  const operations: Operation[] = nodes.map(({ name, type, result, operands, n, call }) => ({
    name,
    type,
    result,
    n,
    call,
    operands: operands.map(numberOf),
  }));
  return {
    program: {
      inputs: [...views.values()].map(({ dtype }) => dtype),
      literals: [...literals.values()].map(({ dtype }) => dtype),
      operations,
      results: roots.map(numberOf),
    },
    views: [...views.values()],
    literals: [...literals.values()],
  };
}

function viewKey({ array, offset, strides }: View): string {
  return `${array} ${offset} ${strides.join()}`;
}

function literalKey({ literal, dtype }: Literal): string {
  return `${dtype} ${Object.is(literal, -0) ? "-0" : literal}`;
}

/** The operations inside a chain that something outside of it will read, too. */
export function sharedInside(roots: readonly Value[]): Node[] {
  const references = new Map<Node, number>();
  const visit = (value: Value): void => {
    const x = settled(value);
    if (!(x instanceof Node)) return;
    const count = references.get(x) ?? 0;
    references.set(x, count + 1);
    if (count === 0) x.operands.forEach(visit);
  };
  for (const root of roots) if (root instanceof Node) root.operands.forEach(visit);
  return [...references].filter(([node, count]) => node.uses > count && !roots.includes(node)).map(([node]) => node);
}

/** The same chain with every array seen through `change`. */
export function transformed(value: Value, shape: Shape, change: (x: View) => View | null): Value | null {
  const x = settled(value);
  if (isLiteral(x)) return { ...x, shape };
  if (!(x instanceof Node)) return change(x);
  const operands: Value[] = [];
  for (const operand of x.operands) {
    const moved = transformed(operand, shape, change);
    if (moved === null) return null;
    operands.push(moved);
  }
  return new Node(x.name, x.type, x.result, shape, operands, x.uses, x.n, x.call);
}

/** Whether a change of view shows elements more than once. */
export function grows(from: Shape, to: Shape): boolean {
  return sizeOf(to) > sizeOf(from);
}
