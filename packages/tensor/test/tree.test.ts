/** Pytrees: order, structure, what is a leaf; vectors of trees; how long tensors live. */

import { describe, expect, it } from "vitest";
import { grad, retain, tensor, tidy, zeros, type Tensor } from "../src/index.js";
import * as random from "../src/random/index.js";
import * as tree from "../src/tree/index.js";
import { fakeDevice } from "./support/fake-device.js";

const one = (value: number): Tensor => tensor([value]);
const values = (leaves: readonly Tensor[]): number[] => leaves.map((x) => x.slice(0).itemSync());

describe("order and structure", () => {
  it("keys go by code unit, whatever the locale and the order of writing", () => {
    const t = { b: one(2), a: one(1), B: one(0), ä: one(4), z: one(3), "10": one(-1), "9": one(-0.5) };
    // "10" < "9" < "B" < "a" < "b" < "z" < "ä"
    expect(values(tree.flatten(t).leaves)).toEqual([-1, -0.5, 0, 1, 2, 3, 4]);
  });
  it("code units, not code points: U+1F600 stands before U+FF00", () => {
    expect(values(tree.flatten({ "\uff00": one(2), "\u{1f600}": one(1) }).leaves)).toEqual([1, 2]);
  });
  it("{b, a} and {a, b} have one structure, arrays and objects do not", () => {
    const of = (t: unknown): tree.Structure => tree.flatten(t as { a: Tensor }).structure;
    expect(tree.sameStructure(of({ b: one(1), a: one(2) }), of({ a: one(1), b: one(2) }))).toBe(true);
    expect(tree.sameStructure(of([one(1)]), of({ 0: one(1) }))).toBe(false);
    expect(tree.sameStructure(of([one(1)]), of([one(1), null]))).toBe(false);
    expect(tree.sameStructure(of(one(1)), of([one(1)]))).toBe(false);
  });
  it("null and undefined have no leaves and come back as they were", () => {
    const t = { a: null, b: undefined, c: [one(1), null] };
    const { leaves, structure } = tree.flatten(t);
    expect(leaves).toHaveLength(1);
    expect(tree.unflatten(structure, leaves)).toEqual(t);
    expect(tree.countLeaves(structure)).toBe(1);
  });
  it("__proto__ is a key like any other", () => {
    const t = JSON.parse('{"__proto__": 0, "a": 0}') as Record<string, unknown>;
    Object.defineProperty(t, "__proto__", { value: one(1), enumerable: true });
    t.a = one(2);
    const { leaves, structure } = tree.flatten(t as never);
    expect(values(leaves)).toEqual([1, 2]);
    const back = tree.unflatten<Record<string, Tensor>>(structure, leaves);
    expect(Object.getPrototypeOf(back)).toBe(Object.prototype);
    expect(Object.keys(back).sort()).toEqual(["__proto__", "a"]);
    expect(({} as Record<string, unknown>).a).toBeUndefined();
    const doubled = tree.map((x) => x.mul(2), t as never) as Record<string, Tensor>;
    expect(Object.getOwnPropertyDescriptor(doubled, "__proto__")!.value.arraySync()).toEqual([2]);
  });
  it("objects without a prototype keep having none", () => {
    const t = Object.assign(Object.create(null) as Record<string, Tensor>, { a: one(1) });
    expect(Object.getPrototypeOf(tree.map((x) => x, t))).toBeNull();
  });
  it("a thousand levels are a tree", () => {
    let t: unknown = one(1);
    for (let i = 0; i < 1000; i++) t = [t];
    expect(tree.flatten(t as never).leaves).toHaveLength(1);
  });
  it("paths", () => {
    const t = { layers: [{ w: one(1) }, { w: one(2), b: one(3) }] };
    expect(tree.leavesWithPath(t).map(({ path }) => tree.formatPath(path, "params"))).toEqual([
      "params.layers[0].w",
      "params.layers[1].b",
      "params.layers[1].w",
    ]);
  });
  it("reduce goes through all leaves", () => {
    expect(tree.reduce((n, x) => n + x.size, { a: zeros([2, 3]), b: [zeros([4])] }, 0)).toBe(10);
  });
});

describe("ravel", () => {
  it("joins in tree order, and unravels the very same", () => {
    const t = {
      b: tensor([
        [1, 2],
        [3, 4],
      ]),
      a: tensor(5),
      none: null,
    };
    const { vector, unravel } = tree.ravel(t);
    expect(vector.arraySync()).toEqual([5, 1, 2, 3, 4]);
    const back = unravel(vector);
    expect(back.b.arraySync()).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(back.a.itemSync()).toBe(5);
    expect(back.none).toBeNull();
  });
  it("mixed dtypes promote, and each leaf gets its own again", () => {
    const t = [tensor([1.5]), tensor([0.1], { dtype: "float64" }), tensor(Int32Array.of(7)), tensor([true])];
    const { vector, unravel } = tree.ravel(t);
    expect(vector.dtype).toBe("float64");
    expect(vector.arraySync()).toEqual([1.5, 0.1, 7, 1]);
    expect(unravel(vector).map((x) => x.dtype)).toEqual(["float32", "float64", "int32", "bool"]);
    expect(unravel(vector).map((x) => x.arraySync())).toEqual([[1.5], [0.1], [7], [true]]);
  });
  it("float32 alone stays float32; nothing gives a vector of length 0", () => {
    expect(tree.ravel([zeros([2]), zeros([0, 3])]).vector.dtype).toBe("float32");
    const { vector, unravel } = tree.ravel({ a: null, b: [] });
    expect(vector.shape).toEqual([0]);
    expect(unravel(vector)).toEqual({ a: null, b: [] });
  });
  it("gradients pass through both ways", () => {
    const t = { a: tensor([1, 2]), b: tensor(3) };
    const g = grad((p: typeof t) => tree.ravel(p).vector.square().sum())(t);
    expect([g.a.arraySync(), g.b.itemSync()]).toEqual([[2, 4], 6]);
    const { vector, unravel } = tree.ravel(t);
    expect(grad((v: Tensor) => unravel(v).b.mul(unravel(v).a.sum()))(vector).arraySync()).toEqual([3, 3, 3]);
  });
});

describe("trees as vectors", () => {
  const x = { a: tensor([1, 2]), b: [tensor([[3]])] };
  const y = { a: tensor([10, 20]), b: [tensor([[30]])] };
  const read = (t: typeof x): unknown => [t.a.arraySync(), t.b[0].arraySync()];
  it("sums, multiples, inner products, norms", () => {
    expect(read(tree.add(x, y))).toEqual([[11, 22], [[33]]]);
    expect(read(tree.sub(y, x))).toEqual([[9, 18], [[27]]]);
    expect(read(tree.scale(2, x))).toEqual([[2, 4], [[6]]]);
    expect(read(tree.axpy(2, x, y))).toEqual([[12, 24], [[36]]]);
    expect(tree.dot(x, y).itemSync()).toBe(140);
    expect(tree.norm(x).itemSync()).toBe(Math.fround(Math.sqrt(14)));
    expect(tree.size(x)).toBe(3);
    expect(read(tree.zerosLike(x))).toEqual([[0, 0], [[0]]]);
  });
  it("randomLike has structure, shapes and dtypes, and depends on the key", () => {
    const like = { a: zeros([3], { dtype: "float64" }), b: zeros([2, 2]) };
    const z = tree.randomLike(random.key(1), like);
    expect([z.a.dtype, z.a.shape, z.b.dtype, z.b.shape]).toEqual(["float64", [3], "float32", [2, 2]]);
    expect(tree.randomLike(random.key(1), like).a.arraySync()).toEqual(z.a.arraySync());
    expect(tree.randomLike(random.key(2), like).a.arraySync()).not.toEqual(z.a.arraySync());
    const signs = tree.randomLike(random.key(1), like, "rademacher");
    expect([...signs.a.dataSync(), ...signs.b.dataSync()].every((s) => Math.abs(s) === 1)).toBe(true);
  });
});

describe("life", () => {
  it("tidy disposes what was made inside, but for the tree that it returns", () => {
    const made: Tensor[] = [];
    const keep = (x: Tensor): Tensor => (made.push(x), x);
    const x = tensor([1, 2]);
    const { y, z } = tidy(() => {
      const a = keep(x.mul(2));
      const b = keep(a.add(1));
      return { y: b, z: [keep(a.reshape(2, 1))] };
    });
    expect(x.disposed).toBe(false);
    expect(y.arraySync()).toEqual([3, 5]);
    expect(z[0].arraySync()).toEqual([[2], [4]]);
  });
  it("an inner tidy hands its result to the outer one", () => {
    let inner: Tensor | null = null;
    const sum = tidy(() => {
      inner = tidy(() => tensor([1, 2]).mul(3));
      return inner.sum();
    });
    expect(sum.itemSync()).toBe(9);
    expect(inner!.disposed).toBe(true);
  });
  it("on a device, everything but the result is freed", () => {
    const device = fakeDevice("device");
    const x = tensor([1, 2, 3]).to(device);
    const before = device.live();
    const y = tidy(() => x.mul(2).add(x).exp().sum());
    expect(device.live()).toBe(before + 1);
    y.dispose();
    expect(device.live()).toBe(before);
    y.dispose();
    expect(device.live()).toBe(before);
  });
  it("dispose twice is no error, using it afterwards is", () => {
    const x = tensor([1]);
    x.dispose();
    x.dispose();
    expect(x.disposed).toBe(true);
    expect(() => x.add(1)).toThrow("was disposed");
  });
  it("Symbol.dispose disposes, where the engine has it", () => {
    if (typeof Symbol.dispose !== "symbol") return;
    const x = tensor([1]);
    x[Symbol.dispose]();
    expect(x.disposed).toBe(true);
  });
  it("retain takes small results out of the memory they share", () => {
    const x = zeros([64]).add(1);
    const shared = (x.buffer as Float32Array).buffer.byteLength;
    expect(shared).toBeGreaterThan(64 * 4);
    expect(retain({ x }).x).toBe(x);
    expect((x.buffer as Float32Array).buffer.byteLength).toBe(64 * 4);
    expect(x.sum().itemSync()).toBe(64);
  });
});
