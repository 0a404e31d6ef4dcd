/** What compiles and what does not (theme-tensor-core §6, §11.16): twelve uses that must, six that must not. Checked by `tsc`. */

import { describe, expect, expectTypeOf, test } from "vitest";
import {
  grad,
  hvp,
  jit,
  jvp,
  linearize,
  scan,
  tensor,
  valueAndGrad,
  vjp,
  vmap,
  type Lifted,
  type Tensor,
} from "@curv/tensor";
import * as tree from "@curv/tensor/tree";

const x = tensor([1, 2]);
const s = tensor(3);

interface Layer {
  readonly w: Tensor;
  readonly b?: Tensor;
}
interface Mlp {
  readonly layers: readonly Layer[];
  readonly head: readonly [Tensor, Tensor];
  readonly nothing: null;
}
const mlp: Mlp = { layers: [{ w: x, b: x }, { w: x }], head: [s, s], nothing: null };
const loss = (p: Mlp, input: Tensor): Tensor => p.layers[0].w.mul(input).sum().add(p.head[0]);

describe("compiles", () => {
  test("1: a gradient has the type of the parameters, interfaces included", () => {
    expectTypeOf(grad(loss)).toEqualTypeOf<(p: Mlp, input: Tensor) => Mlp>();
    expect(grad(loss)(mlp, x).head[0].itemSync()).toBe(1);
  });
  test("2: an optional leaf stays optional", () => {
    expectTypeOf(grad(loss)(mlp, x).layers[0].b).toEqualTypeOf<Tensor | undefined>();
  });
  test("3: a tuple stays a tuple", () => {
    expectTypeOf(grad(loss)(mlp, x).head).toEqualTypeOf<readonly [Tensor, Tensor]>();
  });
  test("4: a gradient of a gradient infers", () => {
    const f = (x: Tensor): Tensor => x.square().mul(x);
    expectTypeOf(grad(grad(f))).toEqualTypeOf<(p: Tensor) => Tensor>();
    expect(grad(grad(f))(s).itemSync()).toBe(18);
  });
  test("5: further arguments keep their types", () => {
    const f = (x: Tensor, power: number, label: string): Tensor => x.pow(power).mul(label.length);
    expectTypeOf(grad(f)).parameters.toEqualTypeOf<[Tensor, number, string]>();
  });
  test("6: hasAux gives the value, the gradient and what else was returned", () => {
    const f = (p: { w: Tensor }): [Tensor, { steps: number }] => [p.w.sum(), { steps: 3 }];
    const run = valueAndGrad(f, { hasAux: true })({ w: x });
    expectTypeOf(run).toEqualTypeOf<{ value: Tensor; aux: { steps: number }; grad: { w: Tensor } }>();
    expect(run.aux.steps).toBe(3);
  });
  test("7: argnums picks types by position", () => {
    const f = (a: Tensor, b: { w: Tensor }): Tensor => a.mul(b.w).sum();
    const pair = grad(f, { argnums: [1, 0] })(x, { w: x });
    expectTypeOf(pair).toEqualTypeOf<[{ w: Tensor }, Tensor]>();
    expectTypeOf(grad(f, { argnums: 1 })(x, { w: x })).toEqualTypeOf<{ w: Tensor }>();
  });
  test("8: jvp and vjp have the types of result and arguments", () => {
    const f = (a: Tensor, b: { w: Tensor }): { y: Tensor } => ({ y: a.mul(b.w) });
    expectTypeOf(jvp(f, [x, { w: x }], [x, { w: x }]).tangent).toEqualTypeOf<{ y: Tensor }>();
    expectTypeOf(vjp(f, x, { w: x }).pullback({ y: x })).toEqualTypeOf<[a: Tensor, b: { w: Tensor }]>();
    expectTypeOf(linearize(f, x, { w: x }).linear).returns.toEqualTypeOf<{ y: Tensor }>();
  });
  test("9: vmap and jit keep a signature, static arguments and all", () => {
    const f = (a: Tensor, mode: "train" | "test"): { y: Tensor } => ({ y: mode === "test" ? a : a.mul(2) });
    expectTypeOf(jit(f)).parameters.toEqualTypeOf<[a: Tensor, mode: "train" | "test"]>();
    expectTypeOf(vmap(f, { inAxes: [0, null] })).returns.toEqualTypeOf<{ y: Tensor }>();
    expectTypeOf(jit(f).async(x, "test")).resolves.toEqualTypeOf<{ y: Tensor }>();
  });
  test("10: numbers in a carry become tensors inside", () => {
    expectTypeOf<Lifted<{ i: number; x: Tensor; n: null }>>().toEqualTypeOf<{ i: Tensor; x: Tensor; n: null }>();
    const [last] = scan((c, v: Tensor) => [{ i: c.i.add(v) }, v] as const, { i: 0 }, x);
    expect(last.i.itemSync()).toBe(3);
  });
  test("11: a Hessian-vector product takes and gives a tree like the parameters", () => {
    expectTypeOf(hvp(loss, mlp, mlp, x)).toEqualTypeOf<Mlp>();
  });
  test("12: tree functions keep the type of the tree", () => {
    expectTypeOf(tree.map((a: Tensor) => a.neg(), mlp)).toEqualTypeOf<Mlp>();
    expectTypeOf(tree.ravel(mlp).unravel).returns.toEqualTypeOf<Mlp>();
  });
});

/** Never called: each line must be an error of the compiler, or `tsc` reports the directive as unused. */
export function doesNotCompile(): void {
  // @ts-expect-error 1: a number among the parameters
  grad((p: { w: Tensor; rate: number }) => p.w.mul(p.rate))({ w: x, rate: 1 });
  // @ts-expect-error 2: an asynchronous loss
  grad(async (x: Tensor) => x.sum());
  // @ts-expect-error 3: a loss that is no tensor
  grad((x: Tensor) => x.sum().itemSync());
  // @ts-expect-error 4: parameters of another type than the loss takes
  grad(loss)({ w: x }, x);
  // @ts-expect-error 5: a function among the leaves
  tree.map((a: Tensor) => a, { w: x, f: () => x });
  // @ts-expect-error 6: a direction unlike the parameters
  hvp(loss, mlp, { layers: [] }, x);
}
