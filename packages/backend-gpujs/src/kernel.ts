/** The source of one kernel: all that one element of a stored result needs, down to what is stored already. */

import { isTensor, type Atom, type Equation, type Tensor, type Variable } from "@curv/tensor";
import { sizeOf } from "@curv/tensor/backend";
import { Code, type Expression } from "./code.js";
import { contractionRules } from "./contraction.js";
import { fftRules } from "./fft.js";
import { indexingRules } from "./indexing.js";
import { elementRules, viewRules } from "./movement.js";
import { inlineCall } from "./inline.js";
import { Place } from "./place.js";
import { portableMath } from "./portable-math.js";
import { reductionRules } from "./reduce.js";
import { registeredFunctions, registeredRule } from "./registered.js";
import type { Cell, Rule } from "./rule.js";
import { scanRules } from "./scan.js";
import { sortRules } from "./sort.js";
import {
  asNative,
  tableOf,
  withCallees,
  withNew,
  type NativeFunction,
  type SourceFunction,
} from "./source-functions.js";
import { constant, partsOf, type Value } from "./value.js";
import { dotTiles, writeTiles } from "./tiles.js";
import { triangularRules } from "./triangular.js";
import { windowRules } from "./window.js";
import { wordArithmetic } from "./word-arithmetic.js";

/** Every primitive that a kernel can compute, with how. */
export const rules: Readonly<Record<string, Rule>> = {
  ...viewRules,
  ...elementRules,
  ...reductionRules,
  ...scanRules,
  ...windowRules,
  ...sortRules,
  ...contractionRules,
  ...indexingRules,
  ...fftRules,
  ...triangularRules,
};

/** A number that a kernel takes as an argument: a constant, or part of a scalar that lies on the host. */
export type ScalarArgument = number | { readonly of: Variable; readonly part: number };

export interface Kernel {
  readonly source: string;
  /** What tells it from others: its source, and that of functions that may have other bodies elsewhere. */
  readonly identity: string;
  readonly functions: readonly NativeFunction[];
  /** What its array arguments are, in order. */
  readonly arrays: readonly Atom[];
  readonly scalars: readonly ScalarArgument[];
  /** Numbers that it writes. */
  readonly length: number;
  /** Threads along x and y, where they are not one a number along x. */
  readonly threads?: readonly [x: number, y: number];
  /** For error messages. */
  readonly name: string;
}

/** What is known of the values of a graph. */
export interface Definitions {
  /** The equation that makes a value, and as which output. */
  of(variable: Variable): { readonly equation: Equation; readonly output: number };
  isStored(variable: Variable): boolean;
  /** Scalars that the host has: arguments instead of arrays. */
  isHostScalar(variable: Variable): boolean;
}

const table: ReadonlyMap<string, SourceFunction> = /* @__PURE__ */ tableOf(...portableMath, wordArithmetic);

/** A source that calls nothing, as a part of a kernel. */
export function sourceOf(source: string): Pick<Kernel, "source" | "identity" | "functions"> {
  return { source, identity: source, functions: [] };
}

/** Statements after which functions are called rather than written out: gpu.js and compilers take long for long kernels. */
const longKernel = 1200;

/** The kernel that computes a stored result; `inline`: with its functions written out. */
export function writeKernel(result: Variable, definitions: Definitions, inline: boolean): Kernel {
  return new Writer(definitions, inline).write(result);
}

class Writer implements Cell {
  readonly code: Code;
  private readonly arrays: Atom[] = [];
  private readonly scalars: ScalarArgument[] = [];
  private readonly names: string[] = [];
  /** The variable that holds the number of the thread. */
  private thread: Expression | null = null;
  /** Functions that primitives of other packages brought. */
  private functions: ReadonlyMap<string, SourceFunction> = table;

  constructor(
    private readonly definitions: Definitions,
    inline: boolean,
  ) {
    const write = (name: string, args: readonly Expression[]): Expression | null =>
      this.code.statements > longKernel ? null : inlineCall(this.code, this.functions, name, args);
    this.code = new Code(inline ? write : undefined);
  }

  write(result: Variable): Kernel {
    const { equation } = this.definitions.of(result);
    if (equation.primitive !== dotTiles) this.element(result);
    else this.names.push("dot");
    const threads = equation.primitive === dotTiles ? writeTiles(this, equation) : undefined;
    const parameters = [...this.arrays.map((_, i) => `a${i}`), ...this.scalars.map((_, i) => `s${i}`)];
    const name = [...new Set(this.names)].join(" + ");
    const source = `function(${parameters.join(", ")}) {\n${this.code.toString()}\n}`;
    const functions = withCallees(this.code.functions, this.functions, name);
    const brought = functions.filter((f) => table.get(f.name) !== f);
    return {
      source,
      identity: [source, ...brought.map((f) => f.source)].join("\n"),
      functions: functions.map(asNative),
      arrays: this.arrays,
      scalars: this.scalars,
      length: partsOf(result.dtype) * sizeOf(result.shape),
      ...(threads !== undefined && { threads }),
      name,
    };
  }

  /** One number of the result, one of the two halves if it is a word. */
  private element(result: Variable): void {
    const { code } = this;
    const size = sizeOf(result.shape);
    const parts = partsOf(result.dtype);
    const cell = code.variable("this.thread.x * 1.0");
    const plane = code.variable("0.0");
    if (parts === 1) this.thread = cell;
    if (parts === 2) code.line(`if (${cell} > ${size - 1}.5) { ${plane} = 1.0; ${cell} = ${cell} - ${size}.0; }`);
    const value = this.compute(result, Place.flat(code, result.shape, code.settle(cell)));
    const y = code.variable(value.parts[0]);
    if (parts === 2) code.line(`if (${plane} > 0.5) { ${y} = ${value.parts[1]}; }`);
    code.line(`return ${y};`);
  }

  private compute(variable: Variable, place: Place): Value {
    const { equation, output } = this.definitions.of(variable);
    const { name } = equation.primitive;
    this.names.push(name);
    if (name in rules) return rules[name](this, equation, place, output);
    this.functions = withNew(this.functions, registeredFunctions(equation.primitive), name);
    return registeredRule(this, equation, place, output);
  }

  read(equation: Equation, operand: number, place: Place): Value {
    const atom = equation.inputs[operand];
    const key = isTensor(atom) ? `constant ${this.argument(atom)}` : `variable ${atom.id}`;
    return this.code.once(`${key} at ${place.id}`, () => this.fetch(atom, place));
  }

  array(equation: Equation, operand: number): string | null {
    const atom = equation.inputs[operand];
    const isArray = isTensor(atom)
      ? scalarConstant(atom) === null
      : this.definitions.isStored(atom) && !this.definitions.isHostScalar(atom);
    return isArray ? `a${this.argument(atom)}` : null;
  }

  private fetch(atom: Atom, place: Place): Value {
    if (isTensor(atom)) return this.constantValue(atom) ?? this.load(atom, place);
    if (this.definitions.isHostScalar(atom)) {
      const parts = Array.from({ length: partsOf(atom.dtype) }, (_, part) => this.scalar({ of: atom, part }));
      return { dtype: atom.dtype, parts };
    }
    return this.definitions.isStored(atom) ? this.load(atom, place) : this.compute(atom, place);
  }

  number(value: number): Expression {
    return this.scalar(value);
  }

  private constantValue(x: Tensor): Value | null {
    const element = scalarConstant(x);
    if (element === null) return null;
    return constant(element, x.dtype) ?? { dtype: x.dtype, parts: [this.scalar(element)] };
  }

  private load(atom: Atom, place: Place): Value {
    const name = `a${this.argument(atom)}`;
    const size = sizeOf(atom.shape);
    const flat = place.flat();
    // The thread's own index is an integer already.
    const index = flat === this.thread ? "this.thread.x" : flat;
    const parts = [this.code.let(`${name}[${index}]`)];
    if (partsOf(atom.dtype) === 2) {
      // A sum of literals as an index is no float to gpu.js.
      const low = Number.isNaN(Number(flat)) ? this.code.let(`${flat} + ${size}.0`) : `${Number(flat) + size}.0`;
      parts.push(this.code.let(`${name}[${low}]`));
    }
    return { dtype: atom.dtype, parts };
  }

  private argument(atom: Atom): number {
    if (isTensor(atom) && scalarConstant(atom) !== null) return -1 - this.constantNumber(atom);
    let at = this.arrays.indexOf(atom);
    if (at < 0) at = this.arrays.push(atom) - 1;
    return at;
  }

  private readonly constants: Tensor[] = [];

  private constantNumber(x: Tensor): number {
    const at = this.constants.indexOf(x);
    return at < 0 ? this.constants.push(x) - 1 : at;
  }

  private scalar(argument: ScalarArgument): Expression {
    const same = (other: ScalarArgument): boolean =>
      typeof argument === "number" || typeof other === "number"
        ? Object.is(argument, other)
        : argument.of === other.of && argument.part === other.part;
    let at = this.scalars.findIndex(same);
    if (at < 0) at = this.scalars.push(argument) - 1;
    return `s${at}`;
  }
}

/** The element of a constant that is one number and can be read now, else null. */
export function scalarConstant(x: Tensor): number | null {
  if (x.size !== 1) return null;
  const { owner } = x;
  if (owner?.downloadSync === undefined || x.buffer === null || owner.kind === "gpujs") return null;
  return owner.downloadSync(x)[0];
}
