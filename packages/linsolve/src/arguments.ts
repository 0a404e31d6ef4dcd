/** Arguments that are missing, or something else: types keep them out of TypeScript, nothing keeps them out of JavaScript. */

import { DomainError, isTensor, TreeError } from "@curv/tensor";
import { flatten } from "@curv/tensor/tree";

/** What an argument can be. */
export type ArgumentKind =
  | "operator"
  | "tensor"
  | "matrix"
  | "function"
  | "number"
  | "numbers"
  | "text"
  | "list"
  | "object"
  | "options"
  | "key"
  | "signal"
  | "tree";

interface Told {
  readonly wants: string;
  readonly is: (x: unknown) => boolean;
  /** What it is instead. Default: `describe`. */
  readonly tell?: (x: unknown) => string;
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
  number: { wants: "a number", is: (x) => typeof x === "number" },
  numbers: {
    wants: "an array of numbers",
    is: (x) => Array.isArray(x) || (ArrayBuffer.isView(x) && !(x instanceof DataView)),
  },
  text: { wants: "a text", is: (x) => typeof x === "string" },
  list: { wants: "an array", is: Array.isArray },
  object: { wants: "an object", is: isPlain },
  options: { wants: "an object of options", is: isPlain },
  key: { wants: "a key, as random.key(0) makes", is: (x) => isTensor(x) && x.dtype === "uint32" },
  signal: {
    wants: "an AbortSignal, as new AbortController().signal",
    is: (x) => isPlain(x) && typeof x["throwIfAborted"] === "function",
  },
  tree: {
    wants: "a Tensor, or objects and arrays of Tensors",
    is: (x) => Number(tensorsIn(x)) > 0,
    tell: (x) => [describe(x), ...(isPlain(x) ? [tensorsIn(x) === 0 ? "of none" : tensorsIn(x)] : [])].join(" "),
  },
};

/** The number of Tensors in a tree; of what is no tree, the place that is to blame. */
function tensorsIn(x: unknown): number | string {
  try {
    return flatten(x as never).leaves.length;
  } catch (error) {
    // "flatten: layers[0].weight is a number; leaves must be Tensors."
    return `(${(error as Error).message.replace(/^flatten: |;.*$/g, "")})`;
  }
}

/** An object that is no Tensor. */
function isPlain(x: unknown): x is Readonly<Record<string, unknown>> {
  return typeof x === "object" && x !== null && !isTensor(x);
}

/**
 * Refuses arguments that are missing or of another kind, by name: for the doors of functions that take operators.
 *
 * @param caller - The public function.
 * @param given - By their names, each with the kind that is wanted, in the order in which they are to be refused.
 * @throws DomainError, for a tree TreeError, naming the function, the argument, what it is and what is wanted.
 *
 * @example
 * expectArguments("trace", { operator: [operator, "operator"], options: [options, "options"] });
 */
export function expectArguments(
  caller: string,
  given: Readonly<Record<string, readonly [value: unknown, kind: ArgumentKind]>>,
): void {
  for (const [argument, [value, kind]] of Object.entries(given)) {
    const { wants, is, tell = describe } = kinds[kind];
    if (is(value)) continue;
    const Refusal = kind === "tree" ? TreeError : DomainError;
    throw new Refusal(`${caller}: ${argument} is ${tell(value)}; wants ${wants}.`);
  }
}

/**
 * Refuses options that are no object, and members of another kind, by name. A member that is undefined is left out: its default counts.
 *
 * @param caller - The public function.
 * @param members - The members that are looked at, each with the kind that is wanted. `signal` and `onProgress` are looked at in any case.
 * @throws As {@link expectArguments}.
 *
 * @example
 * expectOptions("trace", options, { probes: "number", distribution: "text" });
 */
export function expectOptions(caller: string, options: object, members: Readonly<Record<string, ArgumentKind>>): void {
  expectArguments(caller, { options: [options, "options"] });
  for (const [name, kind] of Object.entries({ ...members, ...watched })) {
    const value: unknown = (options as Readonly<Record<string, unknown>>)[name];
    if (value !== undefined) expectArguments(caller, { [`options.${name}`]: [value, kind] });
  }
}

/** The options of what can be watched and stopped. */
const watched = { signal: "signal", onProgress: "function" } as const satisfies Record<string, ArgumentKind>;

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
