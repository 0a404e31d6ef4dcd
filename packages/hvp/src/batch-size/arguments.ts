/** Numbers that are given to the rules, checked with one form of message. */

import { DomainError } from "@curv/tensor";

/** @throws DomainError unless the value is finite and passes. */
export function checkNumber(
  value: number,
  caller: string,
  argument: string,
  wants: string,
  passes: (value: number) => boolean,
): void {
  if (typeof value !== "number" || !Number.isFinite(value) || !passes(value)) {
    throw new DomainError(`${caller}: ${argument} is ${String(value)}; wants ${wants}.`);
  }
}

/** @throws DomainError unless the value is finite and > 0. */
export function checkPositive(value: number, caller: string, argument: string): void {
  checkNumber(value, caller, argument, "a number > 0", (x) => x > 0);
}

/** @throws DomainError unless the value is finite and >= 0. */
export function checkNonNegative(value: number, caller: string, argument: string): void {
  checkNumber(value, caller, argument, "a number >= 0", (x) => x >= 0);
}
