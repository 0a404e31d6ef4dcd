/** Gradients, Jacobians, Hessians: compositions of jvp, vjp and vmap. */

import { eye, ones } from "../create.js";
import { isFloat } from "../dtype.js";
import { DTypeError, ShapeError, TreeError } from "../errors.js";
import { formatShape } from "../shape.js";
import { isTensor, type Tensor } from "../tensor.js";
import { formatStructure, flattenAny, leavesOf, unflattenAny, type CheckTree } from "../tree/tree.js";
import { jvp, primalsOf } from "./jvp.js";
import { checkDifferentiable, linearizeCall, pull, vjp } from "./linearize.js";
import { nameOf } from "./tracer.js";
import { vmap } from "./vmap.js";

/** Which arguments to differentiate, and whether the function returns more than its value. */
export interface GradOptions<I extends number | readonly number[] = number | readonly number[]> {
  /** Positions of the arguments. Default 0; with an array the gradient is an array. */
  readonly argnums?: I;
  /** The function returns `[value, aux]`; aux is passed through undifferentiated. */
  readonly hasAux?: boolean;
}

interface Pulled {
  readonly value: Tensor;
  readonly aux: unknown;
  readonly grad: unknown;
}

function differentiate(
  f: (...args: never[]) => unknown,
  args: readonly unknown[],
  caller: string,
  options: GradOptions,
): Pulled {
  const { argnums = 0, hasAux = false } = options;
  const positions = typeof argnums === "number" ? [argnums] : argnums;
  const name = nameOf(caller, f);
  for (const i of positions) {
    if (!Number.isInteger(i) || i < 0 || i >= args.length) {
      throw new TreeError(`${caller}: argnums names argument ${i}; the call has ${args.length}.`);
    }
    checkDifferentiable(args[i], caller, i, () => parameterNames(f)[i] ?? `arguments[${i}]`);
  }
  const chosen = positions.map((i) => args[i]);
  const call = (traced: unknown): unknown => {
    const all = [...args];
    positions.forEach((position, i) => (all[position] = (traced as unknown[])[i]));
    return (f as (...all: unknown[]) => unknown)(...all);
  };
  const run = linearizeCall(name, call, chosen, caller, "arguments");
  const [result, aux] = hasAux ? splitAux(run.result, caller) : [run.result, undefined];
  const value = checkScalarLoss(result, caller);
  const { primal, tangent } = run.trace.unpair(value);
  const leaves = leavesOf(chosen, caller);
  const seed = ones(primal.shape, { dtype: primal.dtype });
  const grads = unflattenAny(run.structure, pull(run, leaves, [tangent], [seed]), caller) as unknown[];
  return {
    value: primal,
    aux: hasAux ? primalsOf(run.trace, aux, caller) : undefined,
    grad: typeof argnums === "number" ? grads[0] : grads,
  };
}

function splitAux(result: unknown, caller: string): [unknown, unknown] {
  if (!Array.isArray(result) || result.length !== 2) {
    throw new TreeError(`${caller}: with {hasAux: true} the function must return [loss, aux].`);
  }
  return [result[0], result[1]];
}

function checkScalarLoss(result: unknown, caller: string): Tensor {
  if (!isTensor(result)) {
    const shown = typeof result === "object" && result !== null ? outline(result, caller) : String(result);
    throw new TreeError(
      `${caller}: the function returned ${shown}; wants a Tensor. Use {hasAux: true} and return [loss, aux].`,
    );
  }
  if (result.size !== 1 || result.rank !== 0) {
    throw new ShapeError(
      `${caller}: the function returned shape ${formatShape(result.shape)}; wants a scalar. Reduce it, or use jacrev or vjp.`,
    );
  }
  if (!isFloat(result.dtype))
    throw new DTypeError(`${caller}: the function returned ${result.dtype}; wants a float scalar.`);
  return result;
}

/** What an object is made of, in its own order. */
function outline(value: object, caller: string): string {
  if (!Array.isArray(value)) return `{${Object.keys(value).join(", ")}}`;
  return formatStructure(flattenAny(value, caller, "the result").structure);
}

/** Names of a function's parameters, where its source shows plain ones: only for messages. */
function parameterNames(f: (...args: never[]) => unknown): string[] {
  const source = Function.prototype.toString.call(f);
  const list = /^(?:async\s+)?(?:function\b[^(]*)?\(([^)]*)\)|^\(?\s*([A-Za-z_$][\w$]*)\s*\)?\s*=>/.exec(source);
  const inside = list?.[1] ?? list?.[2] ?? "";
  return inside.split(",").map((p) => /^\s*([A-Za-z_$][\w$]*)/.exec(p)?.[1] ?? "");
}

/** Gradient of a scalar function with respect to its first argument, a tree of float tensors; further arguments are passed through. */
export function grad<P, A extends readonly unknown[]>(
  f: ((p: P, ...rest: A) => Tensor) & CheckTree<P>,
): (p: P, ...rest: A) => P;
/** With `hasAux` the function returns `[value, aux]`. */
export function grad<P, A extends readonly unknown[], X>(
  f: ((p: P, ...rest: A) => readonly [Tensor, X]) & CheckTree<P>,
  options: { readonly hasAux: true; readonly argnums?: 0 },
): (p: P, ...rest: A) => { grad: P; aux: X };
/** With `argnums` an array, an array of gradients. */
export function grad<A extends readonly unknown[], const I extends readonly number[]>(
  f: (...args: A) => Tensor,
  options: { readonly argnums: I },
): (...args: A) => { -readonly [K in keyof I]: A[I[K]] };
/** With `argnums` a number, the gradient with respect to that argument. */
export function grad<A extends readonly unknown[], const I extends number>(
  f: (...args: A) => Tensor,
  options: { readonly argnums: I },
): (...args: A) => A[I];
export function grad(f: (...args: never[]) => unknown, options: GradOptions = {}): (...args: never[]) => unknown {
  return (...args) => {
    const { grad, aux } = differentiate(f, args, "grad", options);
    return options.hasAux ? { grad, aux } : grad;
  };
}

/** Value and gradient of a scalar function with respect to its first argument, in one pass. */
export function valueAndGrad<P, A extends readonly unknown[]>(
  f: ((p: P, ...rest: A) => Tensor) & CheckTree<P>,
): (p: P, ...rest: A) => { value: Tensor; grad: P };
/** With `hasAux` the function returns `[value, aux]`. */
export function valueAndGrad<P, A extends readonly unknown[], X>(
  f: ((p: P, ...rest: A) => readonly [Tensor, X]) & CheckTree<P>,
  options: { readonly hasAux: true; readonly argnums?: 0 },
): (p: P, ...rest: A) => { value: Tensor; aux: X; grad: P };
/** With `argnums` an array, an array of gradients. */
export function valueAndGrad<A extends readonly unknown[], const I extends readonly number[]>(
  f: (...args: A) => Tensor,
  options: { readonly argnums: I },
): (...args: A) => { value: Tensor; grad: { -readonly [K in keyof I]: A[I[K]] } };
/** With `argnums` a number, the gradient with respect to that argument. */
export function valueAndGrad<A extends readonly unknown[], const I extends number>(
  f: (...args: A) => Tensor,
  options: { readonly argnums: I },
): (...args: A) => { value: Tensor; grad: A[I] };
export function valueAndGrad(
  f: (...args: never[]) => unknown,
  options: GradOptions = {},
): (...args: never[]) => unknown {
  return (...args) => {
    const { value, grad, aux } = differentiate(f, args, "valueAndGrad", options);
    return options.hasAux ? { value, aux, grad } : { value, grad };
  };
}

/** Basis vectors of x's space: [x.size, …x.shape]. */
function basis(x: Tensor): Tensor {
  return eye(x.size, x.size, { dtype: x.dtype }).reshape([x.size, ...x.shape]);
}

/**
 * Jacobian of a function of one tensor by forward mode: [...result shape, ...x shape]. Best for few inputs and many results.
 */
export function jacfwd<A extends readonly unknown[]>(
  f: (x: Tensor, ...rest: A) => Tensor,
): (x: Tensor, ...rest: A) => Tensor {
  return (x, ...rest) => {
    checkDifferentiable(x, "jacfwd", 0, () => "x");
    const columns = vmap((dx: Tensor) => jvp((v: Tensor) => f(v, ...rest), [x] as const, [dx] as const).tangent)(
      basis(x),
    );
    // [x.size, ...y] → [...y, ...x]
    const order = [...columns.shape.slice(1).map((_, i) => i + 1), 0];
    return columns.transpose(order).reshape([...columns.shape.slice(1), ...x.shape]);
  };
}

/**
 * Jacobian of a function of one tensor by reverse mode: [...result shape, ...x shape]. Best for many inputs and few results.
 */
export function jacrev<A extends readonly unknown[]>(
  f: (x: Tensor, ...rest: A) => Tensor,
): (x: Tensor, ...rest: A) => Tensor {
  return (x, ...rest) => {
    checkDifferentiable(x, "jacrev", 0, () => "x");
    const { value, pullback } = vjp((v: Tensor) => f(v, ...rest), x);
    if (!isTensor(value)) throw new TreeError("jacrev: the function did not return a Tensor.");
    const rows = vmap((bar: Tensor) => pullback(bar)[0])(basis(value));
    return rows.reshape([...value.shape, ...x.shape]);
  };
}

/** Hessian of a scalar function of one tensor: [...x shape, ...x shape], forward over reverse. */
export function hessian<A extends readonly unknown[]>(
  f: (x: Tensor, ...rest: A) => Tensor,
): (x: Tensor, ...rest: A) => Tensor {
  return jacfwd(grad(f as never) as (x: Tensor, ...rest: A) => Tensor);
}

/**
 * Hessian-vector product of a scalar function: ∇²f(p) v, forward over reverse, at a few times the cost of f. p and v are trees of one
 * structure; further arguments are passed through.
 *
 * @example
 * const Hv = hvp(loss, params, direction, batch);
 */
export function hvp<P, A extends readonly unknown[]>(
  f: ((p: P, ...rest: A) => Tensor) & CheckTree<P>,
  primal: P,
  vector: NoInfer<P>,
  ...rest: A
): P {
  const gradient = grad(f as (p: P, ...rest: A) => Tensor as never) as (p: P, ...rest: A) => P;
  const at = (p: P): P => gradient(p, ...rest);
  return (jvp as (g: unknown, x: readonly unknown[], v: readonly unknown[]) => { tangent: unknown })(
    at,
    [primal],
    [vector],
  ).tangent as P;
}
