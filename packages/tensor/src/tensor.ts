/** The `Tensor`: an immutable array of one dtype, and the methods that people chain. Every method is a function of the same name, too. */

import type { Backend } from "./backend/backend.js";
import type { DType, TypedArray } from "./dtype.js";
import { BackendError, ShapeError, TracingError } from "./errors.js";
import { sizeOf, type Shape } from "./shape.js";
import * as elementwise from "./ops/elementwise.js";
import * as movement from "./ops/movement.js";
import * as reduce from "./ops/reduce.js";
import { matmul, dot } from "./ops/dot.js";
import { slice, type SliceSpec } from "./ops/index.js";
import { where } from "./ops/select.js";
import { formatTensor } from "./print.js";
import { nest, readAsync, readSync, move, type NestedArray } from "./backend/read.js";
import { register } from "./scope.js";

/** What an operation takes where it wants a tensor: a JS number takes the dtype of the other operand. */
export type TensorLike = Tensor | number | boolean;

const brand = /* @__PURE__ */ Symbol.for("curv.tensor");

/** Version of the copy of the package that made a tensor; two copies cannot share tensors. */
export const packageVersion = "0.1.0";

export class Tensor implements Disposable {
  readonly shape: Shape;
  readonly dtype: DType;
  /** A traced JS number: its dtype gives way to that of the other operand. */
  readonly weak: boolean;
  /** 0 for a value; otherwise the tag of the transformation that traces it. @internal */
  readonly tag: number;
  /** @internal */
  readonly owner: Backend | null;
  /** Elements of a value on the CPU, the backend's handle elsewhere; null for a tracer or after `dispose`. @internal */
  buffer: unknown;
  /** False while it may follow the other operand to another backend. @internal */
  readonly committed: boolean;

  /** Use `tensor(…)` to make one. @internal */
  constructor(
    shape: Shape,
    dtype: DType,
    weak: boolean,
    tag: number,
    owner: Backend | null,
    buffer: unknown,
    committed: boolean,
  ) {
    this.shape = shape;
    this.dtype = dtype;
    this.weak = weak;
    this.tag = tag;
    this.owner = owner;
    this.buffer = buffer;
    this.committed = committed;
    if (tag === 0) register(this);
  }

  /** Name of the backend that holds the elements; `"tracer"` inside a transformation. */
  get backend(): string {
    return this.owner === null ? "tracer" : this.owner.name;
  }
  /** Number of axes. */
  get rank(): number {
    return this.shape.length;
  }
  /** Number of elements. */
  get size(): number {
    return sizeOf(this.shape);
  }
  /** Whether `dispose` was called on it. */
  get disposed(): boolean {
    return this.tag === 0 && this.buffer === null;
  }
  // Reading.

  /** The elements, row-major, as a copy. */
  data(): Promise<TypedArray> {
    return readAsync(this, "data");
  }
  /** Like {@link data}, at once; a backend that cannot read synchronously throws a BackendError. */
  dataSync(): TypedArray {
    return readSync(this, "dataSync").slice();
  }
  /** The elements as nested arrays (numbers, or booleans for bool); a scalar gives the value itself. */
  async array(): Promise<NestedArray> {
    return nest(await readAsync(this, "array"), this.shape, this.dtype);
  }
  /** Like {@link array}, at once. */
  arraySync(): NestedArray {
    return nest(readSync(this, "arraySync"), this.shape, this.dtype);
  }
  /** The one element of a tensor of size 1, as a number (bool: 0 or 1). */
  async item(): Promise<number> {
    checkSingle(this, "item");
    return (await readAsync(this, "item"))[0];
  }
  /** Like {@link item}, at once. */
  itemSync(): number {
    checkSingle(this, "itemSync");
    return readSync(this, "itemSync")[0];
  }

  // Life.

  /** The same values on another backend, by name or instance. */
  to(backend: string | Backend): Tensor {
    return move(this, backend);
  }
  /**
   * Frees the elements now. Using the tensor afterwards is an error. On the CPU this is never needed for correctness; there it gives the
   * memory of a large result to the next one at once, where the garbage collector would come round to it some time.
   */
  dispose(): void {
    if (this.tag !== 0 || this.buffer === null) return;
    if (this.size > 0) this.owner?.free(this.buffer);
    this.buffer = null;
  }
  /** `using x = …` calls {@link dispose} at the end of the block. Defined below, where the engine knows the symbol. */
  declare readonly [Symbol.dispose]: () => void;
  /** @internal */
  get [Symbol.toStringTag](): string {
    return "Tensor";
  }
  toString(): string {
    return formatTensor(this);
  }
  /** Structure only; for the elements use {@link array}. */
  toJSON(): { dtype: DType; shape: Shape; backend: string } {
    return { dtype: this.dtype, shape: this.shape, backend: this.backend };
  }
  /** A tensor is no number: `x > 0` and `x + 1` throw instead of comparing NaN; `${x}` prints it. */
  [Symbol.toPrimitive](hint: string): string {
    if (hint === "string") return formatTensor(this);
    throw new TracingError(
      "a Tensor was used as a JavaScript number; use await x.item(), or greater(x, 0) instead of x > 0.",
    );
  }

  static {
    const { prototype } = this;
    Object.defineProperty(prototype, brand, { value: packageVersion });
    // What Node prints.
    Object.defineProperty(prototype, Symbol.for("nodejs.util.inspect.custom"), { value: prototype.toString });
    // `using x = …`, where the engine knows it.
    if (typeof Symbol.dispose === "symbol")
      Object.defineProperty(prototype, Symbol.dispose, { value: prototype.dispose });
  }

  // Elementwise.

  add(y: TensorLike): Tensor {
    return elementwise.add(this, y);
  }
  sub(y: TensorLike): Tensor {
    return elementwise.sub(this, y);
  }
  mul(y: TensorLike): Tensor {
    return elementwise.mul(this, y);
  }
  div(y: TensorLike): Tensor {
    return elementwise.div(this, y);
  }
  pow(y: TensorLike): Tensor {
    return elementwise.pow(this, y);
  }
  maximum(y: TensorLike): Tensor {
    return elementwise.maximum(this, y);
  }
  minimum(y: TensorLike): Tensor {
    return elementwise.minimum(this, y);
  }
  equal(y: TensorLike): Tensor {
    return elementwise.equal(this, y);
  }
  notEqual(y: TensorLike): Tensor {
    return elementwise.notEqual(this, y);
  }
  less(y: TensorLike): Tensor {
    return elementwise.less(this, y);
  }
  lessEqual(y: TensorLike): Tensor {
    return elementwise.lessEqual(this, y);
  }
  greater(y: TensorLike): Tensor {
    return elementwise.greater(this, y);
  }
  greaterEqual(y: TensorLike): Tensor {
    return elementwise.greaterEqual(this, y);
  }
  /** `this ? x : y`, for a bool tensor. */
  where(x: TensorLike, y: TensorLike): Tensor {
    return where(this, x, y);
  }
  neg(): Tensor {
    return elementwise.neg(this);
  }
  abs(): Tensor {
    return elementwise.abs(this);
  }
  sign(): Tensor {
    return elementwise.sign(this);
  }
  exp(): Tensor {
    return elementwise.exp(this);
  }
  log(): Tensor {
    return elementwise.log(this);
  }
  sqrt(): Tensor {
    return elementwise.sqrt(this);
  }
  square(): Tensor {
    return elementwise.square(this);
  }
  reciprocal(): Tensor {
    return elementwise.reciprocal(this);
  }
  sin(): Tensor {
    return elementwise.sin(this);
  }
  cos(): Tensor {
    return elementwise.cos(this);
  }
  tanh(): Tensor {
    return elementwise.tanh(this);
  }
  sigmoid(): Tensor {
    return elementwise.sigmoid(this);
  }
  relu(): Tensor {
    return elementwise.relu(this);
  }
  cast(dtype: DType): Tensor {
    return elementwise.cast(this, dtype);
  }

  // Movement.

  /** One length may be −1. */
  reshape(...shape: readonly number[] | [Shape]): Tensor {
    return movement.reshape(this, (Array.isArray(shape[0]) ? shape[0] : shape) as Shape);
  }
  transpose(axes?: readonly number[]): Tensor {
    return movement.transpose(this, axes);
  }
  /** The last two axes exchanged. */
  get T(): Tensor {
    return movement.matrixTranspose(this, "T");
  }
  broadcastTo(shape: Shape): Tensor {
    return movement.broadcastTo(this, shape);
  }
  /** NumPy indexing without arrays: a number takes one element, `[start, stop, step]` a range, `null` all of an axis. */
  slice(...specs: readonly SliceSpec[]): Tensor {
    return slice(this, ...specs);
  }
  squeeze(axes?: number | readonly number[]): Tensor {
    return movement.squeeze(this, axes);
  }
  expandDims(axis: number): Tensor {
    return movement.expandDims(this, axis);
  }
  flatten(): Tensor {
    return movement.reshape(this, [-1]);
  }

  // Reduction and contraction.

  sum(axes?: number | readonly number[], options?: reduce.ReduceOptions): Tensor {
    return reduce.sum(this, axes, options);
  }
  mean(axes?: number | readonly number[], options?: reduce.ReduceOptions): Tensor {
    return reduce.mean(this, axes, options);
  }
  max(axes?: number | readonly number[], options?: reduce.ReduceOptions): Tensor {
    return reduce.max(this, axes, options);
  }
  min(axes?: number | readonly number[], options?: reduce.ReduceOptions): Tensor {
    return reduce.min(this, axes, options);
  }
  prod(axes?: number | readonly number[], options?: reduce.ReduceOptions): Tensor {
    return reduce.prod(this, axes, options);
  }
  argMax(axis?: number): Tensor {
    return reduce.argMax(this, axis);
  }
  argMin(axis?: number): Tensor {
    return reduce.argMin(this, axis);
  }
  any(axes?: number | readonly number[], options?: reduce.ReduceOptions): Tensor {
    return reduce.any(this, axes, options);
  }
  all(axes?: number | readonly number[], options?: reduce.ReduceOptions): Tensor {
    return reduce.all(this, axes, options);
  }
  matmul(y: Tensor): Tensor {
    return matmul(this, y);
  }
  dot(y: Tensor): Tensor {
    return dot(this, y);
  }
}

/** Whether `value` is a tensor of this copy of the package; one of another copy is an error that names both versions. */
export function isTensor(value: unknown): value is Tensor {
  if (value instanceof Tensor) return true;
  if (typeof value === "object" && value !== null && brand in value) {
    const other = (value as Record<symbol, unknown>)[brand];
    throw new BackendError(
      `a Tensor made by another copy of @curv/tensor (version ${String(other)}) met this one (version ${packageVersion}); install one copy.`,
    );
  }
  return false;
}

function checkSingle(x: Tensor, caller: string): void {
  if (x.size !== 1) throw new ShapeError(`${caller}: tensor has shape [${x.shape.join(", ")}]; wants one element.`);
}
