/** The inverse of a damped empirical Fisher of the last m gradients: M-FAC's dynamic algorithm. */

import {
  check,
  concat,
  DomainError,
  DTypeError,
  eye,
  ShapeError,
  stopGradient,
  zeros,
  type Tensor,
} from "@curv/tensor";
import { cholesky, choleskySolve } from "@curv/tensor/linalg";
import { linearOperator, type FloatDType, type LinearOperator, expectArguments } from "@curv/linsolve";
import { checkDamping, defaultDamping } from "./damping.js";
import { wideCombine, wideInner } from "./wide-primitives.js";

export interface SlidingInverseFisherOptions {
  /** d. */
  readonly dim: number;
  /** m: how many gradients are remembered. */
  readonly window: number;
  /** λ > 0. Default 1e-5. */
  readonly damping?: number;
  /** Of gradients and products; sums are float64 in any case. Default "float32". */
  readonly dtype?: FloatDType;
}

/** A window of gradients: a tree of tensors, to be carried through loops, saved and restored. */
export interface SlidingState {
  /** m gradients [d], the oldest first; zeros before there were any. */
  readonly gradients: readonly Tensor[];
  /** S = G Gᵀ, float64 [m, m]. */
  readonly gram: Tensor;
  /** L, lower triangular, with L Lᵀ = S/λ + mI, float64 [m, m]. */
  readonly factor: Tensor;
  /** int32 scalar: gradients that were pushed so far. min(pushes, m) of the window are filled. */
  readonly pushes: Tensor;
}

/** F⁻¹ for F = λI + (1/m) Σᵢ gᵢgᵢᵀ over a window of m gradients, as pure functions of its state. */
export interface SlidingInverseFisher {
  readonly dim: number;
  readonly window: number;
  readonly damping: number;
  readonly dtype: FloatDType;
  /** A window of zeros: F = λI. */
  readonly init: () => SlidingState;
  /** The window with g [d] in the place of the oldest gradient. O(d m + m³). */
  readonly push: (state: SlidingState, g: Tensor) => SlidingState;
  /** F⁻¹ x for x [d], or F⁻¹ X for the columns of X [d, k]. O(d m + m²) a column. */
  readonly apply: (state: SlidingState, x: Tensor) => Tensor;
  /** `push`, then F⁻¹ g with the F that has g in it; two passes over the window. */
  readonly pushApply: (state: SlidingState, g: Tensor) => PushApplied;
  /** F⁻¹ of a state as an operator: a preconditioner, for instance. */
  readonly operator: (state: SlidingState) => LinearOperator;
}

export interface PushApplied {
  /** F⁻¹ g, [d]. */
  readonly product: Tensor;
  readonly state: SlidingState;
}

/**
 * A sliding window of gradients and the products with its F⁻¹.
 *
 * The paper keeps S = G Gᵀ and the numbers D_ij = g_iᵀ F_{i−1}⁻¹ g_j, i ≤ j, which an elimination without pivoting of S/λ + mI gives:
 * its pivots are m + D_ii, its multipliers D_ij/(m + D_ii). That is the Cholesky factorisation L Lᵀ of the same matrix with other scales,
 * so a product is x/λ − Gᵀw with L Lᵀ w = G x/λ², by a substitution forwards (the paper's q) and one backwards (its Bᵀ).
 *
 * 1/m scales the mean from the beginning, when zeros fill the window. Gradients move up by one place at each push: they are a list, so no
 * number is copied. Inner products are float64. All functions are traceable; compiled ones copy the window at every call, so that pushes
 * of large ones are faster without `jit`, and faster still on a {@link FisherWindow}, which is changed in place.
 *
 * @throws ShapeError, DTypeError (from the functions) for vectors of another length or dtype; DomainError for a damping that is not
 * positive, a window or dim below 1, and (from `push`) for a gradient with NaN or an infinity.
 * Source: Frantar, Kurtic & Alistarh, M-FAC (2021), section 3.2.
 *
 * @example
 * const fisher = slidingInverseFisher({ dim: 1000, window: 32 });
 * let state = fisher.init();
 * ({ product: step, state } = fisher.pushApply(state, gradient));
 */
export function slidingInverseFisher(options: SlidingInverseFisherOptions): SlidingInverseFisher {
  expectArguments("slidingInverseFisher", { options: [options, "options"] });
  const { dim, window, damping = defaultDamping, dtype = "float32" } = options;
  const settings = { dim, window, damping, dtype };
  checkSettings(settings, "slidingInverseFisher");

  /** G x for x [k, d]: float64 [m, k]. */
  const products = (gradients: readonly Tensor[], x: Tensor): Tensor =>
    wideInner(
      gradients.map((g) => g.expandDims(0)),
      [x],
      dim,
    ).squeeze(0);

  /** F⁻¹ x for x [k, d] whose products with the gradients, p = G x, are known. */
  const solve = ({ gradients, factor }: SlidingState, x: Tensor, p: Tensor): Tensor => {
    const rows = gradients.map((g) => g.expandDims(0));
    const options = { blockSize: dim, dtype, base: x, scale: 1 / damping };
    return wideCombine(coefficients(factor, p, damping).expandDims(0), rows, options);
  };

  /** The new window, and G g with it: the last column of S. */
  const moveUp = (state: SlidingState, g: Tensor): { readonly state: SlidingState; readonly p: Tensor } => {
    const gradients = [...state.gradients.slice(1), g];
    const p = products(gradients, g.expandDims(0)); // [m, 1]
    check([stopGradient(p)], [2], (values) => notFinite(values, "push"));
    const gram = gramMovedUp(state.gram, p);
    return { p, state: { gradients, gram, factor: factorOf(gram, window, damping), pushes: state.pushes.add(1) } };
  };

  const apply = (state: SlidingState, x: Tensor): Tensor => {
    if (x.rank === 2) return applyRows(state, checked(x.transpose(), settings, "apply", "x")).transpose();
    return applyRows(state, checked(x, settings, "apply", "x").expandDims(0)).squeeze(0);
  };
  const applyRows = (state: SlidingState, x: Tensor): Tensor => solve(state, x, products(state.gradients, x));

  return {
    ...settings,
    init: () => {
      const zero = zeros([dim], { dtype });
      const gram = zeros([window, window], { dtype: "float64" });
      return {
        gradients: Array.from({ length: window }, () => zero),
        gram,
        factor: factorOf(gram, window, damping),
        pushes: zeros([], { dtype: "int32" }),
      };
    },
    push: (state, g) => moveUp(state, checkedVector(g, settings, "push")).state,
    apply,
    pushApply: (before, g) => {
      const { state, p } = moveUp(before, checkedVector(g, settings, "pushApply"));
      return { product: solve(state, g.expandDims(0), p).squeeze(0), state };
    },
    operator: (state) =>
      linearOperator({
        matvec: (x) => apply(state, x),
        matmat: (x) => apply(state, x),
        domain: state.gradients[0],
        positiveSemidefinite: true,
      }),
  };
}

/** S with the oldest gradient's row and column gone, and p = G g in the place of the newest's. */
export function gramMovedUp(gram: Tensor, p: Tensor): Tensor {
  const window = gram.shape[0];
  const kept = gram.slice([1, window], [1, window]);
  return concat([concat([kept, p.slice([0, window - 1])], 1), p.transpose()], 0);
}

/** L, with L Lᵀ = S/λ + mI. */
export function factorOf(gram: Tensor, window: number, damping: number): Tensor {
  return cholesky(gram.div(damping).add(eye(window, window, { dtype: "float64" }).mul(window)));
}

/** −w for each x, [k, m], where F⁻¹ x = x/λ − Gᵀw and p = G x [m, k]. */
export function coefficients(factor: Tensor, p: Tensor, damping: number): Tensor {
  return choleskySolve(factor, p.div(damping ** 2))
    .transpose()
    .neg();
}

export function checkSettings(
  { dim, window, damping, dtype }: Required<SlidingInverseFisherOptions>,
  caller: string,
): void {
  checkDamping(damping, caller);
  for (const [name, value] of Object.entries({ dim, window })) {
    if (!(Number.isInteger(value) && value >= 1)) {
      throw new DomainError(`${caller}: ${name} is ${value}; wants an integer of 1 or more.`);
    }
  }
  if (!["float32", "float64"].includes(dtype)) {
    throw new DTypeError(`${caller}: dtype is ${String(dtype)}; wants float32 or float64.`);
  }
}

export interface Form {
  readonly dim: number;
  readonly dtype: FloatDType;
}

/** Vectors [d], or rows [k, d]. */
export function checked(x: Tensor, { dim, dtype }: Form, caller: string, name: string): Tensor {
  if (x.rank < 1 || x.rank > 2 || x.shape[x.rank - 1] !== dim) {
    const got = x.rank === 2 ? x.shape.toReversed() : x.shape;
    throw new ShapeError(
      `${caller}: ${name} has shape [${got.join(", ")}]; wants [${dim}]${x.rank === 2 ? " or columns of it" : ""}.`,
    );
  }
  if (x.dtype !== dtype) throw new DTypeError(`${caller}: ${name} is ${x.dtype}; wants ${dtype}, as the window is.`);
  return x;
}

export function checkedVector(g: Tensor, form: Form, caller: string): Tensor {
  if (g.rank !== 1) throw new ShapeError(`${caller}: g has shape [${g.shape.join(", ")}]; wants [${form.dim}].`);
  return checked(g, form, caller, "g");
}

/** What is wrong with a gradient g, if anything: it is finite if its square is, which stands last in p = G g. */
export function notFinite(p: ArrayLike<number>, caller: string): DomainError | null {
  if (Number.isFinite(p[p.length - 1])) return null;
  return new DomainError(
    `${caller}: the gradient has NaN, an infinity or numbers whose squares overflow; wants finite numbers.`,
  );
}
