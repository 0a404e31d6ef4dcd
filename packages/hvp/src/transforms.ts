/** The transformations of `@curv/tensor`, for trees whose type is a parameter of the caller and that therefore cannot be checked here. */

import { grad, jit, jvp, linearize, valueAndGrad, vjp, vmap, type Tensor } from "@curv/tensor";
import { dot, ravel } from "@curv/tensor/tree";

/** ∇f. */
export const gradient = grad as unknown as <P>(f: (p: P) => Tensor) => (p: P) => P;

/** f and ∇f in one pass. */
export const valueAndGradient = valueAndGrad as unknown as <P>(
  f: (p: P) => Tensor,
) => (p: P) => { readonly value: Tensor; readonly grad: P };

/** f(p), and v ↦ J v without running f again. */
export const linearized = linearize as unknown as <P, Y>(
  f: (p: P) => Y,
  p: P,
) => { readonly value: Y; readonly linear: (v: P) => Y };

/** f(p), and u ↦ Jᵀ u. */
export const withPullback = vjp as unknown as <P, Y>(
  f: (p: P) => Y,
  p: P,
) => { readonly value: Y; readonly pullback: (u: Y) => readonly [P] };

/** J v at p. */
export function directional<P, Y>(f: (p: P) => Y, p: P, v: P): Y {
  const along = jvp as unknown as (f: (p: P) => Y, p: readonly [P], v: readonly [P]) => { readonly tangent: Y };
  return along(f, [p], [v]).tangent;
}

/** f, compiled. */
export const compiled = jit as unknown as <A extends readonly unknown[], R>(f: (...args: A) => R) => (...args: A) => R;

/** f over the first axis of every leaf of its argument. */
export const mapped = vmap as unknown as <X, Y>(f: (x: X) => Y) => (x: X) => Y;

/** The leaves as one vector, and back. */
export const asVector = ravel as unknown as <P>(p: P) => {
  readonly vector: Tensor;
  readonly unravel: (vector: Tensor) => P;
};

/** ⟨x, y⟩ over all elements. */
export const inner = dot as unknown as <P>(x: P, y: P) => Tensor;
