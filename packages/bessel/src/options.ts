/** The door for options: what each may be, checked before anything is computed. */

import { DomainError, DTypeError, isTensor } from "@curv/tensor";
import type * as random from "@curv/tensor/random";
import { kindOf, requireOptions } from "./operands.js";

/**
 * One of a few values.
 *
 * @throws DomainError naming function and argument.
 */
export function requireOneOf(caller: string, name: string, value: unknown, wanted: readonly unknown[]): void {
  if (wanted.includes(value)) return;
  const words = wanted.map((w) => (typeof w === "string" ? JSON.stringify(w) : String(w)));
  throw new DomainError(`${caller}: ${name} is ${kindOf(value)}; wants one of ${words.join(", ")}.`);
}

/**
 * The key of a sampler and its options, of which the shape is returned; [] if it is left out.
 *
 * @throws DTypeError, DomainError naming function and argument.
 */
export function requireSampling(
  caller: string,
  key: random.Key,
  options?: { readonly shape?: readonly number[] },
): readonly number[] {
  if (!(isTensor(key) && key.dtype === "uint32" && key.rank === 1 && key.shape[0] === 2)) {
    throw new DTypeError(`${caller}: key is ${kindOf(key)}; wants a key, as random.key(0).`);
  }
  requireOptions(caller, options);
  const { shape = [] } = options ?? {};
  if (!(Array.isArray(shape) && shape.every((n) => Number.isSafeInteger(n) && n >= 0))) {
    const got = Array.isArray(shape) ? `[${shape.map(String).join(", ")}]` : kindOf(shape);
    throw new DomainError(`${caller}: shape is ${got}; wants an array of integers >= 0.`);
  }
  return shape;
}

/** What steers an iteration; what is left out is not checked. */
export interface Controls {
  readonly tol?: number;
  readonly maxIter?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (info: never) => void;
}

/**
 * @param fewest - Iterations that there must be at least.
 * @throws DomainError naming function and argument.
 */
export function requireControls(caller: string, controls: Controls, fewest: number): void {
  const { tol, maxIter, signal, onProgress } = controls;
  const refuse = (name: keyof Controls, wanted: string): never => {
    throw new DomainError(`${caller}: ${name} is ${kindOf(controls[name])}; wants ${wanted}.`);
  };
  if (tol !== undefined && !(typeof tol === "number" && tol >= 0)) refuse("tol", "a number >= 0");
  const whole = typeof maxIter === "number" && (Number.isInteger(maxIter) || maxIter === Infinity);
  if (maxIter !== undefined && !(whole && maxIter >= fewest)) refuse("maxIter", `an integer >= ${fewest}`);
  // By what is used of it: there are signals of other realms.
  if (signal !== undefined && typeof (signal as AbortSignal | null)?.throwIfAborted !== "function") {
    refuse("signal", "an AbortSignal");
  }
  if (onProgress !== undefined && typeof onProgress !== "function") refuse("onProgress", "a function");
}
