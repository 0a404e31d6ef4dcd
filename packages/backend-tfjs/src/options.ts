/** What is wrong with an options object, said by the name of what it is for. */

import { DomainError, isTensor } from "@curv/tensor";

const types = {
  boolean: { wants: "true or false", fits: (value: unknown): boolean => typeof value === "boolean" },
  name: {
    wants: "a string that is not empty",
    fits: (value: unknown): boolean => typeof value === "string" && value !== "",
  },
} as const;

/** How an argument is called in a message. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "number" || typeof value === "boolean" || typeof value === "bigint") return String(value);
  if (Array.isArray(value)) return "an array";
  if (isTensor(value)) return "a Tensor";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

/** Whether a value may be asked for its properties by name. */
export function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !isTensor(value);
}

/**
 * Refuses options that are no object, and those of another type than is wanted.
 *
 * @throws DomainError naming function and option.
 */
export function checkOptions(
  caller: string,
  options: unknown,
  wanted: Readonly<Record<string, keyof typeof types>>,
): void {
  if (!isPlain(options)) throw new DomainError(`${caller}: options is ${kindOf(options)}; wants an object.`);
  for (const [option, type] of Object.entries(wanted)) {
    const value = options[option];
    if (value === undefined || types[type].fits(value)) continue;
    throw new DomainError(`${caller}: ${option} is ${kindOf(value)}; wants ${types[type].wants}.`);
  }
}
