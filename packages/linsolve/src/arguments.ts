/** Arguments that are missing, or something else: types keep them out of TypeScript, nothing keeps them out of JavaScript. */

import { DomainError, isTensor } from "@curv/tensor";

/** What an argument can be. */
export type ArgumentKind =
  "operator" | "tensor" | "matrix" | "function" | "numbers" | "list" | "object" | "options" | "key";

interface Told {
  readonly wants: string;
  readonly is: (x: unknown) => boolean;
}

/** How each kind of argument is told, and what it is called. */
const kinds: Readonly<Record<ArgumentKind, Told>> = {
  operator: {
    wants: "a LinearOperator, as linearOperator and denseOperator make",
    is: (x) => isPlain(x) && typeof x["matvec"] === "function" && Array.isArray(x["shape"]),
  },
  tensor: { wants: "a Tensor", is: isTensor },
  matrix: {
    wants: "a CsrMatrix, as csrFromEntries makes",
    is: (x) => isPlain(x) && typeof x["rowStarts"] === "object" && isTensor(x["values"]),
  },
  function: { wants: "a function", is: (x) => typeof x === "function" },
  numbers: {
    wants: "an array of numbers",
    is: (x) => Array.isArray(x) || (ArrayBuffer.isView(x) && !(x instanceof DataView)),
  },
  list: { wants: "an array", is: Array.isArray },
  object: { wants: "an object", is: isPlain },
  options: { wants: "an object of options", is: isPlain },
  key: { wants: "a key, as random.key(0) makes", is: (x) => isTensor(x) && x.dtype === "uint32" },
};

/** An object that is no Tensor. */
function isPlain(x: unknown): x is Readonly<Record<string, unknown>> {
  return typeof x === "object" && x !== null && !isTensor(x);
}

/**
 * Refuses arguments that are missing or of another kind, by name: for the doors of functions that take operators.
 *
 * @param caller - The public function.
 * @param given - By their names, each with the kind that is wanted, in the order in which they are to be refused.
 * @throws DomainError naming the function, the argument, what it is and what is wanted.
 *
 * @example
 * expectArguments("trace", { operator: [operator, "operator"], options: [options, "options"] });
 */
export function expectArguments(
  caller: string,
  given: Readonly<Record<string, readonly [value: unknown, kind: ArgumentKind]>>,
): void {
  for (const [argument, [value, kind]] of Object.entries(given)) {
    const { wants, is } = kinds[kind];
    if (!is(value)) throw new DomainError(`${caller}: ${argument} is ${describe(value)}; wants ${wants}.`);
  }
}

/** What something is, in the words of a message. */
export function describe(x: unknown): string {
  if (x === null || typeof x === "number" || typeof x === "boolean") return String(x);
  if (typeof x === "string") return JSON.stringify(x);
  if (isTensor(x)) return `a Tensor of shape [${x.shape.join(", ")}]`;
  if (Array.isArray(x)) return "an array";
  if (typeof x !== "object") return typeof x;
  const name = x.constructor?.name ?? "Object";
  return name === "Object" ? "an object" : `a ${name}`;
}
