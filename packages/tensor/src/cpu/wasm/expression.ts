/** Expressions over vectors: a directed acyclic graph of instructions, written into a function with every node computed once. */

import { floatBytes, op, v128, type FunctionBody } from "./module.js";

/** One vector value. */
export interface Expression {
  readonly args: readonly Expression[];
  /** Writes the instruction; the operands are on the stack, unless `write` takes `operands`. */
  readonly write: (body: FunctionBody, operand: (i: number) => void) => unknown;
  /** A "lazy" one asks for its operands itself, by `operand(i)`; a constant is written again wherever it is used. */
  readonly kind: "plain" | "lazy" | "constant";
}

/** A value made by instructions that come after its operands. */
export function node(args: readonly Expression[], write: Expression["write"]): Expression {
  return { args, write, kind: "plain" };
}

/** A value whose instructions put the operands where they need them. */
export function lazyNode(args: readonly Expression[], write: Expression["write"]): Expression {
  return { args, write, kind: "lazy" };
}

/** A vector instruction of expressions. */
export function simd(code: number, ...args: Expression[]): Expression {
  return node(args, (body) => body.simd(code));
}

/** A shift of all lanes by a constant. */
export function shift(code: number, x: Expression, by: number): Expression {
  return node([x], (body) => body.int(by).simd(code));
}

const constants = /* @__PURE__ */ new Map<string, Expression>();

/** A vector given by its sixteen bytes. One object for each value, so that equal constants are one node. */
function bytesConstant(bytes: readonly number[]): Expression {
  const key = bytes.join();
  let known = constants.get(key);
  if (known === undefined) {
    known = { args: [], write: (body) => body.simd(0x0c, ...bytes), kind: "constant" };
    constants.set(key, known);
  }
  return known;
}

/** All lanes the float `x`. */
export function floatConstant(x: number, bits: 32 | 64): Expression {
  const one = floatBytes(x, bits);
  return bytesConstant(bits === 32 ? [...one, ...one, ...one, ...one] : [...one, ...one]);
}

/** All lanes the integer of `bits` bits. */
export function integerConstant(x: bigint | number, bits: 32 | 64): Expression {
  const lane = BigInt.asUintN(bits, BigInt(x));
  return bytesConstant(Array.from({ length: 16 }, (_, i) => Number((lane >> BigInt(8 * (i % (bits / 8)))) & 0xffn)));
}

/** Writes expressions into a function. A node that is used more than once stays in a local. */
export class ExpressionWriter {
  private readonly uses = new Map<Expression, number>();
  private readonly locals = new Map<Expression, number>();

  constructor(
    private readonly body: FunctionBody,
    roots: readonly Expression[],
  ) {
    for (const root of roots) this.count(root);
  }

  private count(x: Expression): void {
    const uses = (this.uses.get(x) ?? 0) + 1;
    this.uses.set(x, uses);
    if (uses === 1) for (const arg of x.args) this.count(arg);
  }

  /** Puts the value on the stack. */
  write(x: Expression): void {
    const known = this.locals.get(x);
    if (known !== undefined) {
      this.body.get(known);
      return;
    }
    if (x.kind === "lazy") {
      // Operands that are used in several places must be ready before any of the places is reached.
      for (const arg of x.args) if (arg.kind !== "constant") this.keep(arg);
      x.write(this.body, (i) => this.write(x.args[i]));
    } else {
      for (const arg of x.args) this.write(arg);
      x.write(this.body, () => undefined);
    }
    if (this.uses.get(x)! > 1 && x.kind !== "constant") {
      const local = this.body.local(v128);
      this.locals.set(x, local);
      this.body.tee(local);
    }
  }

  /** Computes a value into a local for later. */
  keep(x: Expression): void {
    if (this.locals.has(x)) return;
    this.write(x);
    let local = this.locals.get(x);
    if (local === undefined) {
      local = this.body.local(v128);
      this.locals.set(x, local);
    }
    this.body.set(local);
  }

  /** Gives the locals back. */
  end(): void {
    for (const local of this.locals.values()) this.body.release(local, v128);
    this.locals.clear();
  }
}

/** if (any lane of `mask` is set) then a vector, else another. */
export function ifAny(
  mask: Expression,
  args: readonly Expression[],
  then: Expression["write"],
  otherwise: number,
): Expression {
  return lazyNode([mask, ...args], (body, operand) => {
    operand(0);
    body.simd(0x53).emit(op.if, v128);
    then(body, (i) => operand(i + 1));
    body.emit(op.else);
    operand(otherwise + 1);
    body.emit(op.end);
  });
}
