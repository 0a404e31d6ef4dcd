/**
 * Writes a plan: keeps for every variable what is known of it (an array seen by strides, a number, a chain of operations not yet computed)
 * and emits kernels when something must be stored.
 */

import { isTensor, type Atom, type DType, type Shape, type Tensor, type Variable } from "@curv/tensor";
import type { Filled } from "./buffer.js";
import { largest32 } from "./codegen/indexing.js";
import { mapThreads, printMap, widthFor, type Access } from "./codegen/map.js";
import { typeOf } from "./codegen/types.js";
import {
  collect,
  isLiteral,
  mostResults,
  Node,
  settled,
  sharedInside,
  transformed,
  grows,
  type Value,
} from "./expression.js";
import { CudaError } from "./errors.js";
import type { KernelArgument } from "./launch.js";
import type { BiasedProduct, PreparedProduct } from "./lib/cublaslt.js";
import type { Facts } from "./lower/fourier.js";
import type { Convolution, PreparedConvolution } from "./lib/cudnn.js";
import { addressOf, type LaunchStep, type PlannedArgument, type PlannedArray, type Step } from "./plan.js";
import { isContiguous, mergeDimensions, sizeOf, stridesOf, wholeView, type View } from "./view.js";

/** What a plan depends on besides its graph. */
export interface PlanOptions {
  readonly multiprocessors: number;
  /** Whether the CPU may do what the card cannot. */
  readonly hostFallback: boolean;
  /** Whether the library does matrix products. */
  readonly library: boolean;
  /** The library's way to add a bias to a product, and to cut off what is negative; null where it has none. Absent: it is not asked. */
  readonly biased?: (product: BiasedProduct) => PreparedProduct | null;
  /** cuDNN's way to compute a convolution; null where it has none. Absent: it is not asked. */
  readonly convolve?: (convolution: Convolution) => PreparedConvolution | null;
}

/** Most elements of an array: positions of gathered, scattered and sorted elements are int32. */
export const largestArray: number = 2 ** 31 - 1;

/** An index as an argument of a kernel whose indices have 32 or 64 bits. */
export function indexArguments(wide: boolean, numbers: readonly number[]): KernelArgument[] {
  return numbers.map((value) => (wide ? BigInt(value) : { type: "int32", value }));
}

/** Elements of an array that lie this far apart at most need 32-bit indices only. */
export function needsWide(sizes: readonly number[]): boolean {
  return sizes.some((size) => size >= largest32);
}

export class Planner {
  readonly arrays: PlannedArray[] = [];
  readonly steps: Step[] = [];
  readonly constants: { array: number; tensor: Tensor }[] = [];
  private readonly values = new Map<Variable, Value>();
  private readonly constantViews = new Map<Tensor, Value>();

  constructor(
    readonly options: PlanOptions,
    private readonly uses: ReadonlyMap<Variable, number>,
    readonly facts: Facts,
  ) {}

  newArray(dtype: DType, size: number): number {
    if (size > largestArray) {
      throw new CudaError(
        `cuda: an array of ${size} ${dtype} elements is too large; at most ${largestArray} have 32-bit indices. Split it.`,
      );
    }
    this.arrays.push({ dtype, size });
    return this.arrays.length - 1;
  }

  set(variable: Variable, value: Value): void {
    this.values.set(variable, value);
  }

  usesOf(variable: Variable): number {
    return this.uses.get(variable) ?? 0;
  }

  /** What is known of an operand. */
  value(atom: Atom): Value {
    return settled(isTensor(atom) ? this.constant(atom) : this.values.get(atom)!);
  }

  /** The operand as an array seen by strides; computed now if it was not. */
  view(atom: Atom): View {
    return this.stored(this.value(atom));
  }

  /** The operand as a whole array, row-major. */
  whole(atom: Atom): View {
    return this.contiguous(this.value(atom));
  }

  stored(value: Value): View {
    const x = settled(value);
    if (x instanceof Node) {
      this.emitMap([x]);
      return x.stored!;
    }
    return isLiteral(x) ? this.copied(x) : x;
  }

  contiguous(value: Value): View {
    const x = this.stored(value);
    return isContiguous(x) ? x : this.copied(x);
  }

  /** The value under another view. A chain is moved whole, unless others read it or it would be computed for more elements. */
  moved(value: Value, shape: Shape, change: (x: View) => View | null): Value | null {
    let x = settled(value);
    if (x instanceof Node) {
      if (x.uses > 1 || grows(x.shape, shape)) x = this.stored(x);
      else this.settleShared([x]);
    }
    return transformed(x, shape, change);
  }

  /** Stores what is inside the chains and will be read outside of them. */
  settleShared(roots: readonly Value[]): void {
    const shared = sharedInside(roots);
    for (const node of shared) if (node.stored === null) this.emitMap([node]);
  }

  launch(step: Omit<LaunchStep, "kind">): void {
    this.steps.push({ kind: "launch", ...step });
  }

  /** Elements of a new array. */
  private copied(x: View | { readonly dtype: DType; readonly shape: Shape; readonly literal: number }): View {
    const out = wholeView(this.newArray(x.dtype, sizeOf(x.shape)), x.dtype, x.shape);
    this.emitCopy(x, out);
    return out;
  }

  /** Writes a value into a part of an array. */
  emitCopy(value: Value, target: View): void {
    this.writeMap([settled(value)], [target], "copy");
  }

  /** Computes chains of one shape in one kernel, and with them what others will read of them. */
  emitMap(roots: readonly Node[]): void {
    const shared = sharedInside(roots).slice(0, mostResults - roots.length);
    const results = [...roots, ...shared];
    const targets = results.map((node) => {
      const dtype = node.result as DType;
      return wholeView(this.newArray(dtype, sizeOf(node.shape)), dtype, node.shape);
    });
    this.writeMap(results, targets, results.map(({ name }) => name).join("+"));
    results.forEach((node, k) => (node.stored = targets[k]));
  }

  private writeMap(results: readonly Value[], targets: readonly View[], what: string): void {
    const { program, views, literals } = collect(results);
    const { shape } = targets[0];
    const n = sizeOf(shape);
    const merged = mergeDimensions(
      shape,
      [...views, ...targets].map(({ strides }) => strides),
    );
    const contiguous = stridesOf(merged.shape);
    const accesses = merged.strides.map((strides): Access => {
      if (strides.every((s, i) => s === contiguous[i])) return "linear";
      return strides.every((s) => s === 0) ? "scalar" : "strided";
    });
    const inputs = accesses.slice(0, views.length);
    const outputs = accesses.slice(views.length);
    const strided = accesses.flatMap((access, i) => (access === "strided" ? [i] : []));
    const wide = needsWide([n, ...[...views, ...targets].map(({ array }) => this.arrays[array].size)]);
    const types = [...program.inputs, ...program.results.map((value) => typeOf(program, value) as DType)];
    const width = strided.length === 0 && n >= leastVector ? widthFor(types) : 1;
    const aligned = [...views, ...targets].every(({ offset }, i) => accesses[i] === "scalar" || offset % width === 0);
    const used = aligned ? width : 1;
    const rank = Math.max(1, merged.shape.length);
    const source = printMap({ program, inputs, outputs, rank, wide, width: used });
    const args: PlannedArgument[] = [
      ...views.map(addressOf),
      ...literals.map(({ literal, dtype }): KernelArgument => ({ type: dtype, value: literal })),
      ...targets.map(addressOf),
      ...indexArguments(wide, [
        n,
        ...(strided.length === 0 ? [] : merged.shape.slice(1)),
        ...strided.flatMap((i) => merged.strides[i]),
      ]),
    ];
    const blocks = Math.min(Math.ceil(n / (mapThreads * used)), 8 * this.options.multiprocessors);
    this.launch({
      source,
      name: "curv_map",
      grid: { x: blocks },
      threads: mapThreads,
      args,
      label: `${what} [${shape.join()}]`,
    });
  }

  private constant(tensor: Tensor): Value {
    let value = this.constantViews.get(tensor);
    if (value === undefined) {
      const { owner, buffer, shape, dtype } = tensor;
      const number = buffer === null || tensor.size !== 1 ? null : numberIn(owner, buffer);
      if (number !== null) value = { literal: number, dtype, shape };
      else {
        const array = this.newArray(dtype, tensor.size);
        this.constants.push({ array, tensor });
        value = wholeView(array, dtype, shape);
      }
      this.constantViews.set(tensor, value);
    }
    return value;
  }
}

/** The only element of a constant, where that is known without reading from a card. */
function numberIn(owner: Tensor["owner"], buffer: unknown): number | null {
  if (owner?.kind === "cpu") return Number((buffer as ArrayLike<number>)[0]);
  return owner?.kind === "cuda" ? (buffer as Filled).filled : null;
}

/** Fewer elements are not worth a kernel of their own for loads of 16 bytes. */
const leastVector = 1024;
