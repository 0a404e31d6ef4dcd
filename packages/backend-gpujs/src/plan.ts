/** From a graph to steps: kernels over stored arrays, loops and branches around them, and what only the host can do. */

import { isTensor, type Atom, type Equation, type Graph, type Primitive, type Variable } from "@curv/tensor";
import { openGraph, removeDead, sizeOf } from "@curv/tensor/backend";
import { isLong } from "./blocks.js";
import { limits } from "./limits.js";
import { GpujsError } from "./errors.js";
import { chooseStored } from "./fusion.js";
import { rules, scalarConstant, writeKernel, type Kernel } from "./kernel.js";
import { cutLongArrays } from "./long-arrays.js";
import { isRewritten, lowerEquations } from "./lower.js";
import { elementwiseNames, hasRule } from "./elementwise.js";
import { isRegistered, registeredName } from "./registered.js";
import { dotTiles } from "./tiles.js";
import { partsOf } from "./value.js";

export type Step =
  | { readonly kind: "kernel"; readonly kernel: Kernel; readonly out: Variable }
  /** The same array under another shape. */
  | { readonly kind: "alias"; readonly from: Atom; readonly out: Variable }
  /** A block of a long array. */
  | { readonly kind: "part"; readonly from: Atom; readonly index: number; readonly out: Variable }
  /** Blocks as one long array. */
  | { readonly kind: "whole"; readonly blocks: readonly Atom[]; readonly out: Variable }
  /** By the CPU's kernel, on copies. */
  | { readonly kind: "host"; readonly equation: Equation }
  /** An error that depends on values. */
  | { readonly kind: "check"; readonly equation: Equation }
  | { readonly kind: "scan"; readonly equation: Equation; readonly body: Plan }
  | { readonly kind: "while"; readonly equation: Equation; readonly condition: Plan; readonly body: Plan }
  | { readonly kind: "cond"; readonly equation: Equation; readonly branches: readonly [Plan, Plan] };

export interface Plan {
  readonly inputs: readonly Variable[];
  readonly steps: readonly (Step & { readonly dead: readonly Variable[] })[];
  readonly outputs: readonly Atom[];
}

export interface PlanOptions {
  /** Inputs that are scalars on the host, by position. */
  readonly hostScalars: readonly boolean[];
  /** Whether the CPU may do what the device cannot. */
  readonly hostFallback: boolean;
  /** Primitives that the device could do, but slower than the host. */
  readonly onHost: ReadonlySet<string>;
  readonly fuse: boolean;
  /** Whether gpu.js computes four elements at once, on WebAssembly: kernels are written for that. */
  readonly vectors: boolean;
}

/** Whether there is a kernel for the primitive, with some parameters at least. */
export function hasKernel(primitive: Primitive): boolean {
  return primitive.name in rules || isRewritten(primitive.name) || isRegistered(primitive);
}

/** Steps that compute the outputs of a graph from its inputs. Graphs in it must be opened (`openGraph`). */
export function planGraph(graph: Graph, options: PlanOptions): Plan {
  const { inputs, equations: opened, outputs } = graph;
  const short = cutLongArrays(
    opened,
    outputs,
    (equation) => isRewritten(equation.primitive.name) || kindOf(equation, options) === "kernel",
  );
  const { equations } = removeDead({ inputs, equations: lowerEquations(short, options.vectors), outputs });
  const hostScalars = new Set(inputs.filter((_, i) => options.hostScalars[i]));
  const isKernel = (equation: Equation): boolean => kindOf(equation, options) === "kernel";
  const wanted = new Set<Variable>();
  const want = (atom: Atom): void => {
    if (!isTensor(atom) && !hostScalars.has(atom)) wanted.add(atom);
  };
  outputs.forEach(want);
  for (const equation of equations) if (!isKernel(equation)) equation.inputs.forEach(want);
  const stored = chooseStored({
    equations,
    wanted,
    given: new Set(inputs.filter((v) => !hostScalars.has(v))),
    hostScalars,
    isKernel,
    isLiteral: (atom) => isTensor(atom) && scalarConstant(atom) !== null,
    fuse: options.fuse,
  });
  const made = new Map<Variable, { equation: Equation; output: number }>();
  for (const equation of equations) equation.outputs.forEach((v, output) => made.set(v, { equation, output }));
  const definitions = {
    of: (v: Variable) => made.get(v)!,
    isStored: (v: Variable) => stored.has(v),
    isHostScalar: (v: Variable) => hostScalars.has(v),
  };
  const steps: Step[] = [];
  for (const equation of equations) {
    const kind = kindOf(equation, options);
    if (kind !== "kernel") {
      steps.push(otherStep(kind, equation, options));
      continue;
    }
    for (const out of equation.outputs) {
      if (!stored.has(out)) continue;
      const [x] = equation.inputs;
      const { name } = equation.primitive;
      if ((name === "reshape" || name === "stopGradient") && (isTensor(x) || stored.has(x) || hostScalars.has(x))) {
        steps.push({ kind: "alias", from: x, out });
      } else {
        checkSize(equation);
        steps.push({ kind: "kernel", kernel: writeKernel(out, definitions, options.vectors), out });
      }
    }
  }
  return { inputs, steps: withDead(steps, inputs, outputs), outputs };
}

/** What is rewritten for short arrays may have made longer ones on the way; a scan stacks its results in one. */
function checkSize({ primitive, inputs, outputs }: Equation): void {
  const long = [...inputs, ...outputs].find(isLong);
  if (long === undefined) return;
  const { shape, dtype } = long;
  throw new GpujsError(
    `${primitive.name}: gpujs: an array of ${sizeOf(shape)} ${dtype} elements is too large; at most ${limits.longestArray / partsOf(dtype)} have exact indices in one launch. Split it, or run on cpu.`,
    "limit",
  );
}

function canCompute(equation: Equation): boolean {
  const { primitive, inputs } = equation;
  if (elementwiseNames.has(primitive.name)) return hasRule(primitive.name, inputs[0].dtype);
  return primitive.name in rules || primitive === dotTiles || registeredName(equation) !== null;
}

type Kind = Exclude<Step["kind"], "alias">;

function kindOf(equation: Equation, { hostFallback, onHost }: PlanOptions): Kind {
  const { primitive, inputs, outputs } = equation;
  const { name } = primitive;
  if (name === "whileLoop") return "while";
  if (name === "scan" || name === "cond" || name === "check" || name === "part" || name === "whole") return name;
  if ([...inputs, ...outputs].some((x) => sizeOf(x.shape) === 0) || onHost.has(name)) return "host";
  if (canCompute(equation)) return "kernel";
  if (primitive.lower !== undefined && hostFallback) return "host";
  throw new GpujsError(
    `${name}: gpujs ${whatIsMissing(equation)}; move the operands with .to("cpu"), or open the backend with { hostFallback: true }.`,
    "unsupported",
  );
}

function whatIsMissing({ primitive, inputs }: Equation): string {
  if (primitive.name === "fft")
    return `cannot transform ${inputs[0].shape.at(-1)} elements: a prime factor is too large`;
  return isRegistered(primitive) ? "does not have this member of the family" : "does not have this operation";
}

function otherStep(kind: Exclude<Kind, "kernel">, equation: Equation, options: PlanOptions): Step {
  const inner = (graph: Graph): Plan => planGraph(openGraph(graph), { ...options, hostScalars: [] });
  switch (kind) {
    case "part": {
      const { index } = equation.params as { index: number };
      return { kind, from: equation.inputs[0], index, out: equation.outputs[0] };
    }
    case "whole":
      return { kind, blocks: equation.inputs, out: equation.outputs[0] };
    case "scan":
      checkSize(equation);
      return { kind, equation, body: inner((equation.params as { body: Graph }).body) };
    case "while": {
      const { condition, body } = equation.params as { condition: Graph; body: Graph };
      return { kind, equation, condition: inner(condition), body: inner(body) };
    }
    case "cond": {
      const [no, yes] = (equation.params as { branches: readonly [Graph, Graph] }).branches;
      return { kind, equation, branches: [inner(no), inner(yes)] };
    }
    default:
      return { kind, equation };
  }
}

/** Values that a step reads. */
function readsOf(step: Step): readonly Atom[] {
  if (step.kind === "kernel") {
    return [...step.kernel.arrays, ...step.kernel.scalars.flatMap((s) => (typeof s === "number" ? [] : [s.of]))];
  }
  if (step.kind === "alias" || step.kind === "part") return [step.from];
  return step.kind === "whole" ? step.blocks : step.equation.inputs;
}

function writesOf(step: Step): readonly Variable[] {
  return "out" in step ? [step.out] : step.equation.outputs;
}

/** With each step the values that nobody reads after it. */
function withDead(steps: readonly Step[], inputs: readonly Variable[], outputs: readonly Atom[]): Plan["steps"] {
  const alive = new Set<Atom>([...inputs, ...outputs]);
  const result: (Step & { dead: readonly Variable[] })[] = [];
  for (let i = steps.length - 1; i >= 0; i--) {
    const dead: Variable[] = [];
    for (const x of [...readsOf(steps[i]), ...writesOf(steps[i])]) {
      if (isTensor(x) || alive.has(x)) continue;
      alive.add(x);
      dead.push(x);
    }
    result.push({ ...steps[i], dead });
  }
  return result.reverse();
}
