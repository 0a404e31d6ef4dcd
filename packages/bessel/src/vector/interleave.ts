/** A formula of two numbers as a loop over packed arrays, several vectors at a time, so that the latencies of one hide behind another. */

import { FunctionBody, i32, node, op, v128, type Expression } from "@curv/tensor/kernels";

/** A formula of v and x on vectors of two float64. */
export type Formula = (v: Expression, x: Expression) => Expression;

const vectorBytes = 16;
const load = 0x00;
const store = 0x0b;

/**
 * kernel(from, to): replaces the orders v, which stand from `from` to `to`, by f(v, x), with x `distance` bytes behind v. Arrays are read and
 * written up to `vectors` whole vectors.
 */
export function loopOver(formula: Formula, distance: number, vectors: number): FunctionBody {
  const body = new FunctionBody([i32, i32]);
  const [from, to] = [0, 1];
  let copy = 0;
  const argument = (offset: number): Expression =>
    node([], () => body.get(from).vectorAccess(load, offset + vectorBytes * copy));
  const result = formula(argument(0), argument(distance));
  const order = inOrder(result);
  const uses = new Map<Expression, number>();
  for (const x of order) for (const arg of x.args) uses.set(arg, (uses.get(arg) ?? 0) + 1);
  // Constants are made once, before the loop.
  const constants = new Map<Expression, number>();
  for (const x of order) {
    if (x.kind !== "constant") continue;
    const local = body.local(v128);
    x.write(body, () => undefined);
    body.set(local);
    constants.set(x, local);
  }
  const places = new Map<Expression, number[]>();
  body.loop(() => {
    for (const x of order) {
      if (x.kind === "constant") continue;
      const written: number[] = [];
      for (copy = 0; copy < vectors; copy++) {
        for (const arg of x.args) body.get(constants.get(arg) ?? places.get(arg)![copy]);
        x.write(body, () => undefined);
        const local = body.local(v128);
        body.set(local);
        written.push(local);
      }
      places.set(x, written);
      for (const arg of x.args) {
        const left = uses.get(arg)! - 1;
        uses.set(arg, left);
        if (left === 0) for (const local of places.get(arg) ?? []) body.release(local, v128);
      }
    }
    places.get(result)!.forEach((local, i) =>
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
