/** Expressions written straight into a function: constants before the loop, several copies side by side. */

import { FunctionBody, i32, node, op, v128, type Expression } from "@curv/tensor/kernels";

/** A formula of v and x on vectors. */
export type Formula = (v: Expression, x: Expression) => Expression;

const vectorBytes = 16;
const load = 0x00;
const store = 0x0b;

/**
 * kernel(v, x, out, stop): f of the orders from address v to `stop` and of as many arguments from x on, written from `out` on, which may be v. It
 * works on `vectors` vectors of two at once, so that the latencies of one hide behind another; arrays are read and written up to whole ones.
 */
export function loopOver(formula: Formula, vectors: number): FunctionBody {
  const body = new FunctionBody([i32, i32, i32, i32]);
  const [v, x, out, stop] = [0, 1, 2, 3];
  let copy = 0;
  const argument = (array: number): Expression =>
    node([], () => body.get(array).vectorAccess(load, vectorBytes * copy));
  const straight = new StraightWriter(body, formula(argument(v), argument(x)));
  body.loop(() => {
    const results = straight.write(vectors, (current) => (copy = current));
    results.forEach((local, i) =>
      body
        .get(out)
        .get(local)
        .vectorAccess(store, vectorBytes * i),
    );
    for (const array of [v, x, out]) body.increment(array, vectorBytes * vectors);
    body.get(v).get(stop).emit(op.i32LtS);
  });
  return body;
}

/** Writes one expression, as often as wanted; its constants are made at once, where the writer is. */
export class StraightWriter {
  /** Every node after what it needs. */
  private readonly order: Expression[] = [];
  private readonly numbers = new Map<Expression, number>();
  /** Of node i: numbers of its arguments, and how often it is used. */
  private readonly args: number[][] = [];
  private readonly uses: number[] = [];
  /** Locals of the constants, by the numbers of their nodes. */
  private readonly constants: number[] = [];

  constructor(
    private readonly body: FunctionBody,
    root: Expression,
  ) {
    this.uses[this.visit(root)]++;
  }

  private visit(x: Expression): number {
    const known = this.numbers.get(x);
    if (known !== undefined) return known;
    const args = x.args.map((arg) => this.visit(arg));
    for (const arg of args) this.uses[arg]++;
    const number = this.order.push(x) - 1;
    this.numbers.set(x, number);
    this.args.push(args);
    this.uses.push(0);
    const { body } = this;
    let local = -1;
    if (x.kind === "constant") {
      local = body.local(v128);
      x.write(body, nothing);
      body.set(local);
    }
    this.constants.push(local);
    return number;
  }

  /** Locals with the value of every copy, to be released by the caller; `begin` is told whose instructions come next. */
  write(copies: number, begin: (copy: number) => void = nothing): readonly number[] {
    const { body, order, args, constants } = this;
    const left = [...this.uses];
    const places: number[][] = [];
    for (let i = 0; i < order.length; i++) {
      const written: number[] = [];
      places.push(written);
      if (constants[i] >= 0) continue;
      for (let copy = 0; copy < copies; copy++) {
        begin(copy);
        for (const arg of args[i]) body.get(constants[arg] >= 0 ? constants[arg] : places[arg][copy]);
        order[i].write(body, nothing);
        const local = body.local(v128);
        body.set(local);
        written.push(local);
      }
      for (const arg of args[i]) if (--left[arg] === 0) for (const local of places[arg]) body.release(local, v128);
    }
    return places[places.length - 1];
  }
}

const nothing = (): void => undefined;
