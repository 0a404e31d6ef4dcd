/** Data of one environment (domain), and what is refused of them. */

import { expectArguments } from "@curv/linsolve";
import { DomainError, DTypeError, isFloat, isTensor, ShapeError, type Tensor } from "@curv/tensor";

/** Examples from one place: a hospital, a camera, a customer. */
export interface Environment {
  /** Inputs, [n, …]. */
  readonly x: Tensor;
  /** Labels [n]: class indices (int32) for softmax; 0 and 1, of any dtype, for a binary head ([n, 1] is taken, too). */
  readonly y: Tensor;
}

/**
 * Refuses what is no list of at least `least` environments of examples.
 *
 * @throws DomainError for too few environments, an empty one, or one with other numbers of inputs and labels; DTypeError for what is no tensor.
 */
export function checkEnvironments(environments: readonly Environment[], caller: string, least: number): void {
  if (!Array.isArray(environments) || environments.length < least) {
    const got = Array.isArray(environments) ? `there are ${environments.length}` : `got ${typeof environments}`;
    throw new DomainError(`${caller}: environments: ${got}; wants at least ${least}.`);
  }
  environments.forEach((environment: Environment, i) => checkEnvironment(environment, caller, `environments[${i}]`));
}

/** Refuses what holds no examples, or other numbers of inputs and labels. */
export function checkEnvironment(environment: Environment, caller: string, name: string): void {
  expectArguments(caller, { [name]: [environment, "object"] });
  const { x, y } = environment;
  if (!isTensor(x) || !isTensor(y)) throw new DTypeError(`${caller}: ${name} wants tensors x and y.`);
  if (!isFloat(x.dtype)) throw new DTypeError(`${caller}: ${name}.x is ${x.dtype}; wants float32 or float64.`);
  if (x.rank < 2 || y.rank === 0 || x.shape[0] !== y.shape[0]) {
    throw new ShapeError(
      `${caller}: ${name} has x [${x.shape.join(", ")}] and y [${y.shape.join(", ")}]; wants [n, …] and [n].`,
    );
  }
  if (x.size === 0) throw new DomainError(`${caller}: ${name} is empty; wants at least one example.`);
}

/** Refuses inputs with NaN or an infinity. */
export async function refuseNotFinite({ x }: Environment, caller: string, name: string): Promise<void> {
  // NaN − NaN and ∞ − ∞ are NaN, which equals nothing.
  if ((await x.sub(x).equal(0).all().item()) === 1) return;
  throw new DomainError(`${caller}: ${name}.x has NaN or an infinity; wants finite numbers.`);
}

/** Refuses a number that is not finite and ≥ 0, or with `positive` not > 0. */
export function checkNumber(value: number, caller: string, name: string, positive = false): void {
  if (typeof value === "number" && Number.isFinite(value) && (positive ? value > 0 : value >= 0)) return;
  throw new DomainError(`${caller}: ${name} is ${String(value)}; wants a finite number ${positive ? "> 0" : ">= 0"}.`);
}

/** Refuses what is no integer ≥ `least`. */
export function checkCount(value: number, caller: string, name: string, least: number): void {
  if (Number.isSafeInteger(value) && value >= least) return;
  throw new DomainError(`${caller}: ${name} is ${String(value)}; wants an integer >= ${least}.`);
}

/** Mean of tensors of one shape. */
export function meanOf(tensors: readonly Tensor[]): Tensor {
  return tensors.reduce((a, b) => a.add(b)).div(tensors.length);
}
