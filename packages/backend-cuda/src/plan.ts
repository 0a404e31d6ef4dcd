/** What a graph comes to on the card: steps over arrays, with every size, launch and argument known but the addresses. */

import type { DType, Equation, Tensor, Variable } from "@curv/tensor";
import type { Device } from "./device.js";
import { planArena, type Arena } from "./arena.js";
import type { KernelArgument } from "./launch.js";
import type { PreparedProduct } from "./lib/cublaslt.js";
import type { View } from "./view.js";

/** An array of a plan. */
export interface PlannedArray {
  readonly dtype: DType;
  /** Elements. */
  readonly size: number;
}

/** The address of an element of an array. */
export interface AddressArgument {
  readonly array: number;
  /** Elements. */
  readonly offset: number;
}

export type PlannedArgument = KernelArgument | AddressArgument;

export interface LaunchStep {
  readonly kind: "launch";
  readonly source: string;
  readonly name: string;
  readonly grid: { readonly x: number; readonly y?: number; readonly z?: number };
  readonly threads: number;
  readonly args: readonly PlannedArgument[];
  /** What it computes, for messages. */
  readonly label: string;
}

/** A batch of matrix products by the library, C[m, n] = op(A)[m, k] op(B)[k, n], all row-major. */
export interface ProductStep {
  readonly kind: "product";
  readonly dtype: "float32" | "float64";
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly batch: number;
  readonly a: MatrixOperand;
  readonly b: MatrixOperand;
  readonly out: number;
  /** What is added to each row, and whether what is negative becomes 0 then: in the same call of cuBLASLt. */
  readonly epilogue: { readonly bias: AddressArgument; readonly run: PreparedProduct } | null;
  readonly label: string;
}

/**
 * Calls of the vendor's libraries on whole arrays. What is written and read again by the same step (work space) stands among the outputs.
 */
export interface LibraryStep {
  readonly kind: "library";
  readonly equation: Equation;
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  /** Whether the library only puts work on the stream, so that a recorded graph may hold it; false where it waits for the card. */
  readonly recordable: boolean;
  /** @param addresses - Of the inputs, then of the outputs. */
  readonly call: (device: Device, addresses: readonly bigint[]) => void;
}

export interface MatrixOperand {
  readonly address: AddressArgument;
  /** Whether what lies in memory is the transpose. */
  readonly transposed: boolean;
  /** Elements from one stored row to the next. */
  readonly leading: number;
  /** Elements from one matrix to the next. */
  readonly step: number;
}

export type Step =
  | LaunchStep
  | ProductStep
  /** All bytes of an array to zero. */
  | { readonly kind: "clear"; readonly array: number; readonly label: string }
  /** By the CPU's kernel, on copies. */
  | {
      readonly kind: "host";
      readonly equation: Equation;
      readonly inputs: readonly number[];
      readonly outputs: readonly number[];
    }
  | LibraryStep
  /** An error that depends on values. */
  | { readonly kind: "check"; readonly equation: Equation; readonly inputs: readonly number[] }
  | Loop<"scan", { readonly body: Plan }>
  | Loop<"while", { readonly condition: Plan; readonly body: Plan }>
  | Loop<"cond", { readonly branches: readonly [Plan, Plan] }>;

type Loop<K, P> = {
  readonly kind: K;
  readonly equation: Equation;
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
} & P;

/** Steps in a row that only put work on the stream, and can be recorded as one graph; or one step in which the host takes part. */
export interface Segment {
  readonly steps: readonly Step[];
  /** How many launches it can be recorded as; 0 if the host takes part. */
  readonly launches: number;
  /** Arrays outside of the arena that it is the first, and the last, to touch. */
  readonly makes: readonly number[];
  readonly dead: readonly number[];
  /** All arrays outside of the arena that it touches. */
  readonly outside: readonly number[];
}

export interface Plan {
  readonly arrays: readonly PlannedArray[];
  /** Arrays of the graph's inputs: the first ones. */
  readonly inputs: readonly Variable[];
  /** Arrays that are there before the first step. */
  readonly constants: readonly { readonly array: number; readonly tensor: Tensor }[];
  readonly steps: readonly (Step & { readonly makes: readonly number[]; readonly dead: readonly number[] })[];
  /** The same steps as they are run. */
  readonly segments: readonly Segment[];
  /** Memory of what lives only inside. */
  readonly arena: Arena;
  /** Arrays of the outputs, each whole and row-major. */
  readonly outputs: readonly number[];
}

/** Arrays that a step reads or writes. */
export function arraysOf(step: Step): number[] {
  switch (step.kind) {
    case "launch":
      return step.args.flatMap((argument) =>
        typeof argument === "object" && "array" in argument ? [argument.array] : [],
      );
    case "product":
      return [
        step.a.address.array,
        step.b.address.array,
        ...(step.epilogue === null ? [] : [step.epilogue.bias.array]),
        step.out,
      ];
    case "clear":
      return [step.array];
    case "check":
      return [...step.inputs];
    default:
      return [...step.inputs, ...step.outputs];
  }
}

/** With each step the arrays that it is the first, and the last, to touch. */
export function withLifetimes(
  steps: readonly Step[],
  given: readonly number[],
  kept: readonly number[],
): Plan["steps"] {
  const known = new Set(given);
  const makes = steps.map((step) => {
    const fresh = [...new Set(arraysOf(step))].filter((array) => !known.has(array));
    for (const array of fresh) known.add(array);
    return fresh;
  });
  const alive = new Set(kept);
  const result = new Array<Plan["steps"][number]>(steps.length);
  for (let i = steps.length - 1; i >= 0; i--) {
    const dead: number[] = [];
    for (const array of new Set(arraysOf(steps[i]))) {
      if (alive.has(array)) continue;
      alive.add(array);
      dead.push(array);
    }
    result[i] = { ...steps[i], makes: makes[i], dead };
  }
  return result;
}

/** Whether a step only puts work on the stream: its addresses are all that it takes from a call, and nothing is read back. */
function onlyLaunches(step: Step): boolean {
  const { kind } = step;
  return kind === "launch" || kind === "product" || kind === "clear" || (kind === "library" && step.recordable);
}

/** Loops and branches hand arrays on to other plans, which may return them as results. */
function handsOn({ kind }: Step): boolean {
  return kind === "scan" || kind === "while" || kind === "cond";
}

/** Where the arrays of steps lie, and which steps are run as one. */
export function withMemory(
  arrays: readonly PlannedArray[],
  steps: Plan["steps"],
  kept: readonly number[],
): Pick<Plan, "steps" | "segments" | "arena"> {
  const outside = new Set(kept);
  for (const step of steps.filter(handsOn)) for (const array of arraysOf(step)) outside.add(array);
  const arena = planArena(arrays, steps, (array) => !outside.has(array));
  const own = (list: readonly number[]): number[] => list.filter((array) => !arena.offsets.has(array));
  const segments: Segment[] = [];
  for (let from = 0, to = 0; from < steps.length; from = to) {
    while (to < steps.length && onlyLaunches(steps[to])) to++;
    const launches = to - from;
    to = Math.max(to, from + 1);
    const part = steps.slice(from, to);
    segments.push({
      steps: part,
      launches,
      makes: own(part.flatMap(({ makes }) => makes)),
      dead: own(part.flatMap(({ dead }) => dead)),
      outside: [...new Set(own(part.flatMap(arraysOf)))].filter((array) => arrays[array].size > 0),
    });
  }
  return { steps, segments, arena };
}

/** The view's first element as an argument. */
export function addressOf({ array, offset }: View): AddressArgument {
  return { array, offset };
}
