/** M-FAC's window of gradients as a thing that is kept: its gradients stay where the kernels read them. */

import {
  BackendError,
  definePrimitive,
  bind,
  DomainError,
  isCurvError,
  ShapeError,
  tensor,
  TracingError,
  zeros,
  type Shape,
  type Tensor,
  type TypedArray,
} from "@curv/tensor";
import { expectOptions, linearOperator, type FloatDType, type LinearOperator, expectArguments } from "@curv/linsolve";
import { defaultDamping } from "./damping.js";
import {
  checked,
  checkedVector,
  checkSettings,
  coefficients,
  factorOf,
  gramMovedUp,
  notFinite,
  type SlidingInverseFisherOptions,
  type SlidingState,
} from "./sliding-inverse-fisher.js";
import { kernelsWithRoom, scratchBytes, type VectorKernels } from "./vector-kernels.js";
import { combinations, innerProducts, type Row } from "./wide-products.js";

export interface FisherWindowOptions extends SlidingInverseFisherOptions {
  /** Where to go on from: an earlier `state()`, or one of {@link slidingInverseFisher}. Default: a window of zeros. */
  readonly state?: SlidingState;
}

/**
 * A sliding window of the last m gradients and the products with F⁻¹, F = λI + (1/m) Σᵢ gᵢgᵢᵀ: {@link slidingInverseFisher} for a training
 * loop, where the window is changed in place. Same numbers, bit for bit.
 *
 * The gradients lie in the m + 1 slots of a WebAssembly memory of the window's own, which is made whole and never grows; a new one takes
 * the place of the oldest, and products read each of them where it is. `pushApply` is two passes over m·d numbers, at little more than the time of reading
 * them. There are no older windows to go back to: `state()` copies one, as a tree to be saved, and an `operator()` that a push has left
 * behind refuses to compute. On the CPU, and outside of `jit`, `grad` and `vmap`; inside, use {@link slidingInverseFisher}.
 *
 * @throws DomainError for a damping that is not positive, a window or dim below 1, or gradients of 4 GiB and more; DTypeError for another
 * dtype than float32 and float64; ShapeError for a state of another window or dim.
 * Source: Frantar, Kurtic & Alistarh, M-FAC (2021), section 3.2.
 *
 * @example
 * using fisher = new FisherWindow({ dim: 1000, window: 32 });
 * const step = fisher.pushApply(gradient); // F⁻¹ g, with g in F
 */
export class FisherWindow {
  readonly dim: number;
  /** m. */
  readonly window: number;
  /** λ. */
  readonly damping: number;
  readonly dtype: FloatDType;
  #memory: Memory | null;
  #pushes = 0;

  constructor(options: FisherWindowOptions) {
    expectOptions("FisherWindow", options, { state: "object" });
    const { dim, window, damping = defaultDamping, dtype = "float32", state } = options;
    const settings = { dim, window, damping, dtype };
    checkSettings(settings, "FisherWindow");
    [this.dim, this.window, this.damping, this.dtype] = [dim, window, damping, dtype];
    if (state !== undefined) checkState(state, settings);
    const gram = state?.gram ?? zeros([window, window], { dtype: "float64" });
    this.#memory = {
      ...slots(settings),
      gram: gram.dataSync() as Float64Array,
      factor: (state?.factor ?? factorOf(gram, window, damping)).dataSync() as Float64Array,
    };
    this.#pushes = state?.pushes.itemSync() ?? 0;
    state?.gradients.forEach((g, i) => this.#memory!.rows[i].data.set(g.dataSync()));
  }

  /** Gradients that were pushed so far. */
  get pushes(): number {
    return this.#pushes;
  }

  /** Gradients in the window; in the place of the others there are zeros. */
  get filled(): number {
    return Math.min(this.#pushes, this.window);
  }

  /**
   * Puts g [d] in the place of the oldest gradient. O(d m + m³).
   *
   * @throws ShapeError, DTypeError; DomainError for a gradient with NaN or an infinity, which leaves the window as it was.
   */
  push(g: Tensor): void {
    this.#onArray(checkedVector(g, this, "FisherWindow.push"), "push", null, (values) => {
      this.#moveUp(values, "FisherWindow.push");
      return [];
    });
  }

  /**
   * F⁻¹ x for x [d], or F⁻¹ X for the columns of X [d, k]. O(d m + m²) a column.
   *
   * @throws ShapeError, DTypeError.
   */
  apply(x: Tensor): Tensor {
    const caller = "FisherWindow.apply";
    if (x.rank === 2) return this.#applyRows(checked(x.transpose(), this, caller, "x")).transpose();
    return this.#applyRows(checked(x, this, caller, "x"));
  }

  /**
   * `push`, then F⁻¹ g [d] with the F that has g in it; two passes over the window.
   *
   * @throws As `push`.
   */
  pushApply(g: Tensor): Tensor {
    const caller = "FisherWindow.pushApply";
    return this.#onArray(checkedVector(g, this, caller), "pushApply", [this.dim], (values) => {
      const p = this.#moveUp(values, caller);
      return [this.#solve(this.#memory!.rows.slice(-1), p)];
    })!;
  }

  /**
   * F⁻¹ as it is now, as an operator: a preconditioner, for instance. Its products throw a DomainError once the window was pushed on.
   */
  operator(): LinearOperator {
    const made = this.#pushes;
    const matmat = (x: Tensor): Tensor => {
      if (this.#pushes === made) return this.apply(x);
      throw new DomainError(
        `FisherWindow.operator: made after ${made} pushes, and ${this.#pushes} were made by now; wants a new operator().`,
      );
    };
    const domain = zeros([this.dim], { dtype: this.dtype });
    return linearOperator({ matvec: matmat, matmat, domain, positiveSemidefinite: true, eager: true });
  }

  /** A copy of the window, to be saved, to go on from, and for {@link slidingInverseFisher}, whose states are the same. */
  state(): SlidingState {
    const { rows, gram, factor } = this.#open("state");
    const square = { shape: [this.window, this.window] };
    return {
      gradients: rows.map(({ data }) => tensor(data)),
      gram: tensor(gram, square),
      factor: tensor(factor, square),
      pushes: tensor(this.#pushes, { dtype: "int32" }),
    };
  }

  /** Lets the memory go. What is called afterwards throws a BackendError. */
  dispose(): void {
    this.#memory = null;
  }
  /** `using fisher = …` calls {@link FisherWindow.dispose} at the end of the block. Defined below, where the engine knows the symbol. */
  declare readonly [Symbol.dispose]: () => void;

  static {
    if (typeof Symbol.dispose === "symbol")
      Object.defineProperty(this.prototype, Symbol.dispose, { value: this.prototype.dispose });
  }

  /** For x [d] or rows [k, d]. */
  #applyRows(x: Tensor): Tensor {
    return this.#onArray(x, "apply", x.shape, (values) => {
      const { kernels, rows } = this.#memory!;
      const vectors = Array.from({ length: values.length / this.dim }, (_, i) => ({
        data: values,
        start: i * this.dim,
      }));
      const p = innerProducts(kernels, rows, vectors, { length: this.dim, blockSize: this.dim });
      return [this.#solve(vectors, p)];
    })!;
  }

  /** The window with g in it; and p = G g. */
  #moveUp(g: Row["data"], caller: string): Float64Array {
    const memory = this.#memory!;
    const { dim, window, damping } = this;
    const [oldest, ...others] = memory.rows;
    memory.spare.data.set(g);
    const rows = [...others, memory.spare];
    const p = innerProducts(memory.kernels, rows, [memory.spare], { length: dim, blockSize: dim });
    const wrong = notFinite(p, caller);
    if (wrong !== null) throw wrong;
    const gram = gramMovedUp(tensor(memory.gram, { shape: [window, window] }), tensor(p, { shape: [window, 1] }));
    const factor = factorOf(gram, window, damping).dataSync() as Float64Array;
    this.#memory = { ...memory, rows, spare: oldest, gram: gram.dataSync() as Float64Array, factor };
    this.#pushes++;
    return p;
  }

  /** x/λ − Gᵀw for some x whose products with the gradients, p = G x [m, k], are known. */
  #solve(x: readonly Row[], p: Float64Array): TypedArray {
    const { kernels, rows, factor } = this.#memory!;
    const { dim, window, damping } = this;
    const c = coefficients(
      tensor(factor, { shape: [window, window] }),
      tensor(p, { shape: [window, x.length] }),
      damping,
    ).dataSync() as Float64Array;
    const out = this.dtype === "float32" ? new Float32Array(x.length * dim) : new Float64Array(x.length * dim);
    combinations(kernels, c, rows, { rows: x, scale: 1 / damping }, { length: dim, blockSize: dim }, out);
    return out;
  }

  #open(method: string): Memory {
    if (this.#memory === null) throw new BackendError(`FisherWindow.${method}: the window was disposed.`);
    return this.#memory;
  }

  /** Runs on the numbers of x, which are not copied; refuses a traced x, whose numbers are not there yet. */
  #onArray(x: Tensor, method: string, shape: Shape | null, run: HostParams["run"]): Tensor | undefined {
    this.#open(method);
    try {
      bind(concretePrimitive, [x.reshape([x.size]).slice([0, 1])], {})[0].dataSync();
    } catch (error) {
      if (!isCurvError(error, "CURV_TRACING")) throw error;
      throw new TracingError(
        `FisherWindow.${method}: called inside of jit, grad or vmap; wants tensors with values. Use slidingInverseFisher there.`,
      );
    }
    return bind(hostPrimitive, [x], { run, shape })[0];
  }
}

interface Memory {
  readonly kernels: VectorKernels;
  /** Slots of the kernels' memory, that of the oldest gradient first. */
  readonly rows: readonly Row[];
  /** One more, where a new gradient is written: it takes its place in the window when all has gone well. */
  readonly spare: Row;
  /** S and L, as in {@link SlidingState}, row by row. */
  readonly gram: Float64Array;
  readonly factor: Float64Array;
}

interface HostParams {
  /** Shape of what comes out; null if nothing does. */
  readonly shape: Shape | null;
  readonly run: (values: Row["data"]) => TypedArray[];
}

const hostPrimitive = /* @__PURE__ */ definePrimitive<HostParams>({
  name: "fisherWindow",
  shape: ([x], { shape }) => (shape === null ? [] : [{ shape, dtype: x.dtype, weak: false }]),
  lower: ([x], { run }) => run(x.buffer as Row["data"]),
});

/** Its operand, which must not be traced: differentiation would find no rule for what is done to the window, and take it for constant. */
const concretePrimitive = /* @__PURE__ */ definePrimitive<object>({
  name: "concrete",
  shape: ([{ shape, dtype }]) => [{ shape, dtype, weak: false }],
  jvp: () => {
    throw new TracingError("traced");
  },
  batch: () => {
    throw new TracingError("traced");
  },
  lower: ([x]) => [x.buffer],
});

/** A memory with a slot for each gradient and one to spare, behind the room for pieces. */
function slots({
  dim,
  window,
  dtype,
}: Required<SlidingInverseFisherOptions>): Pick<Memory, "kernels" | "rows" | "spare"> {
  const Numbers = dtype === "float32" ? Float32Array : Float64Array;
  // Whole cache lines, and nine more, so that the same coordinate of different rows falls into different sets of the cache.
  const stride = 64 * (Math.ceil((dim * Numbers.BYTES_PER_ELEMENT) / 64) + 9);
  const kernels = kernelsWithRoom((window + 1) * stride, "FisherWindow");
  const slot = (i: number): Row => ({ data: new Numbers(kernels.buffer, scratchBytes + i * stride, dim), start: 0 });
  return { kernels, rows: Array.from({ length: window }, (_, i) => slot(i)), spare: slot(window) };
}

function checkState(state: SlidingState, { dim, window, dtype }: Required<SlidingInverseFisherOptions>): void {
  const { gradients, gram, factor, pushes } = state;
  expectArguments("FisherWindow", {
    "state.gradients": [gradients, "list"],
    "state.gram": [gram, "tensor"],
    "state.factor": [factor, "tensor"],
    "state.pushes": [pushes, "tensor"],
  });
  if (gradients.length !== window || gram.shape[0] !== window) {
    throw new ShapeError(`FisherWindow: state has ${gradients.length} gradients; wants ${window}, as the window has.`);
  }
  for (const g of gradients) checkedVector(g, { dim, dtype }, "FisherWindow: state");
}
