/** Expressions written straight into a function: constants before the loop, several copies side by side. */

import { FunctionBody, i32, node, op, v128, type Expression } from "@curv/tensor/kernels";

/** A formula of v and x on vectors. */
export type Formula = (v: Expression, x: Expression) => Expression;

const vectorBytes = 16;
const load = 0x00;
const store = 0x0b;

/**
 * kernel(from, to): replaces the orders v, which stand from `from` to `to`, by f(v, x), with x `distance` bytes behind v. It works on `vectors`
 * vectors of two at once, so that the latencies of one hide behind another; arrays are read and written up to whole ones.
 */
export function loopOver(formula: Formula, distance: number, vectors: number): FunctionBody {
  const body = new FunctionBody([i32, i32]);
  const [from, to] = [0, 1];
  let copy = 0;
  const argument = (offset: number): Expression =>
    node([], () => body.get(from).vectorAccess(load, offset + vectorBytes * copy));
  const straight = new StraightWriter(body, formula(argument(0), argument(distance)));
  body.loop(() => {
    const results = straight.write(vectors, (current) => (copy = current));
    results.forEach((local, i) =>
      body
        .get(from)
        .get(local)
        .vectorAccess(store, vectorBytes * i),
    );
    body.increment(from, vectorBytes * vectors);
    body.get(from).get(to).emit(op.i32LtS);
  });
  return body;
}

/** Writes one expression, as often as wanted; its constants are made at once, where the writer is. */
export class StraightWriter {
  private readonly order: readonly Expression[];
  private readonly constants = new Map<Expression, number>();

  constructor(
    private readonly body: FunctionBody,
    private readonly root: Expression,
  ) {
    this.order = inOrder(root);
    for (const x of this.order) {
      if (x.kind !== "constant") continue;
      const local = body.local(v128);
      x.write(body, () => undefined);
      body.set(local);
      this.constants.set(x, local);
    }
  }

  /** Locals with the value of every copy, to be released by the caller; `begin` is told whose instructions come next. */
  write(copies: number, begin: (copy: number) => void = () => undefined): readonly number[] {
    const { body, order, root, constants } = this;
    const uses = new Map<Expression, number>([[root, 1]]);
    for (const x of order) for (const arg of x.args) uses.set(arg, (uses.get(arg) ?? 0) + 1);
    const places = new Map<Expression, number[]>();
    for (const x of order) {
      if (x.kind === "constant") continue;
      const written: number[] = [];
      for (let copy = 0; copy < copies; copy++) {
        begin(copy);
        for (const arg of x.args) access(body, op.localGet, constants.get(arg) ?? places.get(arg)![copy]);
        x.write(body, () => undefined);
        const local = body.local(v128);
        access(body, op.localSet, local);
        written.push(local);
      }
      places.set(x, written);
      for (const arg of x.args) {
        const left = uses.get(arg)! - 1;
        uses.set(arg, left);
        if (left === 0) for (const local of places.get(arg) ?? []) body.release(local, v128);
      }
    }
    return places.get(root)!;
  }
}

/** As `body.get` and `body.set`, which make an array each time: a kernel has tens of thousands of them. */
function access({ bytes }: FunctionBody, code: number, local: number): void {
  bytes.push(code);
  let rest = local;
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  bytes.push(rest);
}

/** Every node after what it needs. */
function inOrder(root: Expression): Expression[] {
  const seen = new Set<Expression>();
  const order: Expression[] = [];
  const visit = (x: Expression): void => {
    if (seen.has(x)) return;
    seen.add(x);
    x.args.forEach(visit);
    order.push(x);
  };
  visit(root);
  return order;
}
