/** Operators are the matrices that they stand for: forwards, transposed, for one vector and for many, under vmap and jit. */

import {
  concat,
  eye,
  grad,
  hvp,
  jit,
  matmul,
  ShapeError,
  DomainError,
  DTypeError,
  tensor,
  vmap,
  zeros,
  type Tensor,
} from "@curv/tensor";
import { kron } from "@curv/tensor";
import { inv } from "@curv/tensor/linalg";
import * as random from "@curv/tensor/random";
import { describe, expect, test } from "vitest";
import {
  addOperators,
  asVectors,
  blockDiagonalOperator,
  cgCore,
  composeOperators,
  csrFromEntries,
  denseOperator,
  diagonalOperator,
  gmresCore,
  gramOperator,
  identityOperator,
  inverseOperator,
  kroneckerOperator,
  linearOperator,
  lowRankOperator,
  scaleOperator,
  shiftOperator,
  sparseOperator,
  toDense,
  transposeOperator,
  type AnyOperator,
} from "./index.js";

const draw = (seed: number, shape: number[]): Tensor => random.normal(random.key(seed), { shape, dtype: "float64" });
const close = (x: Tensor, y: Tensor, tolerance = 1e-12): void => {
  expect(x.shape).toEqual(y.shape);
  const [a, b] = [x.dataSync(), y.dataSync()];
  b.forEach((v, i) => expect(Math.abs(a[i] - v)).toBeLessThanOrEqual(tolerance * (1 + Math.abs(v))));
};

const [a, b, c] = [draw(1, [5, 4]), draw(2, [5, 4]), draw(3, [4, 3])];
const square = draw(4, [4, 4]);
const positive = square.matmul(square.transpose()).add(eye(4, 4, { dtype: "float64" }));
const block = (x: Tensor, y: Tensor): Tensor => {
  const zero = (m: number, n: number): Tensor => zeros([m, n], { dtype: "float64" });
  return concat([concat([x, zero(x.shape[0], y.shape[1])], 1), concat([zero(y.shape[0], x.shape[1]), y], 1)], 0);
};
/** Entries in no order, one of them twice. */
const entries = csrFromEntries(3, 4, [2, 0, 1, 2, 0], [1, 3, 0, 1, 0], [1, 2, 3, 4, 5]);
const entriesDense = tensor(Float64Array.of(5, 0, 0, 2, 3, 0, 0, 0, 0, 5, 0, 0), { shape: [3, 4] });
const network = { w: draw(6, [2, 2]), b: draw(7, [2]) };
const loss = (p: typeof network): Tensor =>
  p.w
    .matmul(tensor(Float64Array.of(0.3, -0.8)))
    .add(p.b)
    .tanh()
    .square()
    .sum();
const hessian = linearOperator({
  matvec: (v: typeof network) => hvp(loss, network, v),
  domain: network,
  symmetric: true,
});
const hessianDense = ((): Tensor => {
  // Row i is the derivative of gradient entry i; leaves in tree order: b, then w.
  const flat = (p: typeof network): Tensor => concat([p.b, p.w.reshape([-1])], 0);
  const tree = (v: Tensor): typeof network => ({ b: v.slice([0, 2]), w: v.slice([2, 6]).reshape([2, 2]) });
  const f = (v: Tensor): Tensor => flat(grad(loss)(tree(v)));
  const at = flat(network);
  const h = 1e-5;
  return vmap((e: Tensor) =>
    f(at.add(e.mul(h)))
      .sub(f(at.sub(e.mul(h))))
      .div(2 * h),
  )(eye(6, 6, { dtype: "float64" }));
})();

const cases: Readonly<Record<string, readonly [AnyOperator, Tensor, number?]>> = {
  dense: [denseOperator(a), a],
  diagonal: [
    diagonalOperator(square.slice(0)),
    square
      .slice(0)
      .expandDims(0)
      .mul(eye(4, 4, { dtype: "float64" })),
  ],
  identity: [identityOperator(3), eye(3, 3, { dtype: "float64" })],
  "low rank": [lowRankOperator(c, c.slice(0)), matmul(c.mul(c.slice(0)), c.transpose())],
  sum: [addOperators(denseOperator(a), denseOperator(b)), a.add(b)],
  multiple: [scaleOperator(-2, denseOperator(a)), a.mul(-2)],
  shift: [shiftOperator(denseOperator(square), 3), square.add(eye(4, 4, { dtype: "float64" }).mul(3))],
  product: [composeOperators(denseOperator(a), denseOperator(c)), matmul(a, c)],
  gram: [gramOperator(denseOperator(a)), matmul(a.transpose(), a)],
  transpose: [transposeOperator(denseOperator(a)), a.transpose()],
  blocks: [blockDiagonalOperator([denseOperator(a), denseOperator(c)]), block(a, c)],
  kronecker: [kroneckerOperator([a, c, square]), kron(kron(a, c), square)],
  "inverse by cg": [
    inverseOperator(denseOperator(positive, { positiveSemidefinite: true }), (m, v) => cgCore(m, v, { rtol: 1e-14 }).x),
    inv(positive),
    1e-9,
  ],
  "inverse by gmres": [
    inverseOperator(denseOperator(square), (m, v) => gmresCore(m, v, { rtol: 1e-14 }).x),
    inv(square),
    1e-8,
  ],
  sparse: [sparseOperator(entries), entriesDense],
  "function, transposed by differentiation": [
    linearOperator({
      matvec: (v: Tensor) => matmul(a, v),
      domain: zeros([4], { dtype: "float64" }),
      range: zeros([5], { dtype: "float64" }),
    }),
    a,
  ],
  "Hessian of a tree": [hessian, hessianDense, 1e-8],
  "Hessian on vectors": [asVectors(hessian), hessianDense, 1e-8],
};

describe.each(Object.keys(cases))("%s", (name) => {
  const [operator, dense, tolerance = 1e-12] = cases[name];
  const [m, n] = dense.shape;
  const [v, u] = [draw(10, [n]), draw(11, [m])];
  const [vs, us] = [draw(12, [n, 3]), draw(13, [m, 3])];
  test("is its matrix", () => {
    expect(operator.shape).toEqual([m, n]);
    close(toDense(operator), dense, tolerance);
    close(operator.matvec(v), matmul(dense, v), tolerance);
    close(operator.rmatvec(u), matmul(dense.transpose(), u), tolerance);
    close(operator.matmat(vs), matmul(dense, vs), tolerance);
    close(operator.rmatmat(us), matmul(dense.transpose(), us), tolerance);
  });
  test("under jit and vmap", () => {
    close(jit((x: Tensor) => operator.matvec(x))(v), matmul(dense, v), tolerance);
    close(jit((x: Tensor) => operator.rmatmat(x))(us), matmul(dense.transpose(), us), tolerance);
    close(vmap((x: Tensor) => operator.matvec(x), { inAxes: 1, outAxes: 1 })(vs), matmul(dense, vs), tolerance);
  });
  test("claims of structure hold", () => {
    if (operator.symmetric) close(dense, dense.transpose(), 1e-8);
    if (operator.positiveSemidefinite) {
      expect(vs.mul(matmul(dense, vs)).sum(0).min().itemSync()).toBeGreaterThanOrEqual(-1e-12);
    }
  });
});

test("many vectors are one pass, also through what operators are made of", () => {
  let passes = 0;
  const counted = linearOperator({
    matvec: (v: Tensor) => {
      passes++;
      return matmul(positive, v);
    },
    domain: zeros([4], { dtype: "float64" }),
    positiveSemidefinite: true,
  });
  const [vs, d] = [draw(28, [4, 9]), denseOperator(square)];
  const made: readonly (readonly [AnyOperator, number])[] = [
    [counted, 1],
    [scaleOperator(2, counted), 1],
    [shiftOperator(counted, 1), 1],
    [addOperators(counted, d), 1],
    [composeOperators(counted, d), 1],
    [transposeOperator(counted), 1],
    [asVectors(counted), 1],
    [gramOperator(counted), 2],
  ];
  for (const [operator, wanted] of made) {
    passes = 0;
    operator.matmat(vs);
    expect(passes).toBe(wanted);
  }
  passes = 0;
  blockDiagonalOperator([counted, counted]).matmat(concat([vs, vs], 0));
  expect(passes).toBe(2);
});

test("what is known of the parts is known of the whole, and no more", () => {
  const tags = ({ symmetric, positiveSemidefinite }: AnyOperator): string =>
    positiveSemidefinite ? (symmetric ? "psd" : "wrong") : symmetric ? "symmetric" : "";
  const psd = denseOperator(positive, { positiveSemidefinite: true });
  const symmetric = denseOperator(square.add(square.transpose()), { symmetric: true });
  const general = denseOperator(square);
  expect([psd, symmetric, general].map(tags)).toEqual(["psd", "symmetric", ""]);
  const solve = (_: unknown, v: Tensor): Tensor => v;
  const wanted: readonly (readonly [AnyOperator, string])[] = [
    [addOperators(psd, psd), "psd"],
    [addOperators(psd, symmetric), "symmetric"],
    [addOperators(psd, general), ""],
    [scaleOperator(3, psd), "psd"],
    [scaleOperator(0, psd), "psd"],
    [scaleOperator(-1, psd), "symmetric"],
    [scaleOperator(-1, general), ""],
    [shiftOperator(psd, 2), "psd"],
    [shiftOperator(psd, -2), "symmetric"],
    [shiftOperator(symmetric, 2), "symmetric"],
    [shiftOperator(psd, tensor(2, { dtype: "float64" })), "symmetric"],
    [composeOperators(psd, psd), ""],
    [gramOperator(general), "psd"],
    [transposeOperator(psd), "psd"],
    [transposeOperator(general), ""],
    [inverseOperator(psd, solve), "psd"],
    [inverseOperator(general, solve), ""],
    [asVectors(psd), "psd"],
    [blockDiagonalOperator([psd, psd]), "psd"],
    [blockDiagonalOperator([psd, symmetric]), "symmetric"],
    [blockDiagonalOperator([psd, general]), ""],
    [kroneckerOperator([positive, positive], { positiveSemidefinite: true }), "psd"],
    [kroneckerOperator([positive, square]), ""],
    [diagonalOperator(square.slice(0)), "symmetric"],
    [identityOperator(3), "psd"],
  ];
  expect(wanted.map(([operator]) => tags(operator))).toEqual(wanted.map(([, tag]) => tag));
});

test("trees go in and come out", () => {
  const v = { w: draw(20, [2, 2]), b: draw(21, [2]) };
  const { w, b: bias } = hessian.apply(v);
  close(concat([bias, w.reshape([-1])], 0), matmul(hessianDense, concat([v.b, v.w.reshape([-1])], 0)), 1e-8);
});

test("sparse products differentiate in the entries", () => {
  const v = draw(22, [4]);
  const f = (values: Tensor): Tensor =>
    sparseOperator({ ...entries, values })
      .matvec(v)
      .square()
      .sum();
  const slope = grad(f)(entries.values).dataSync();
  const h = 1e-6;
  slope.forEach((s, i) => {
    const moved = Float64Array.from(entries.values.dataSync());
    moved[i] += h;
    expect(Math.abs(f(tensor(moved)).sub(f(entries.values)).div(h).itemSync() - s)).toBeLessThan(
      1e-4 * (1 + Math.abs(s)),
    );
  });
});

test("sparse products: second derivatives, batches of entries, float32", () => {
  const v = draw(23, [4]);
  const product = (p: { e: Tensor; x: Tensor }): Tensor => sparseOperator({ ...entries, values: p.e }).matvec(p.x);
  const dense = (p: { e: Tensor; x: Tensor }): Tensor => {
    // The same matrix from its entries by another way: one-hot rows and columns.
    const rows = tensor(Int32Array.of(0, 0, 1, 2))
      .expandDims(1)
      .equal(tensor(Int32Array.of(0, 1, 2)))
      .cast("float64");
    const columns = tensor(Int32Array.of(0, 3, 0, 1))
      .expandDims(1)
      .equal(tensor(Int32Array.of(0, 1, 2, 3)))
      .cast("float64");
    return matmul(matmul(rows.transpose(), columns.mul(p.e.expandDims(1))), p.x);
  };
  const at = { e: entries.values, x: v };
  const along = { e: draw(24, [4]), x: draw(25, [4]) };
  const energy =
    (f: typeof product) =>
    (p: typeof at): Tensor =>
      f(p).sin().sum();
  close(product(at), dense(at));
  const [h, wanted] = [hvp(energy(product), at, along), hvp(energy(dense), at, along)];
  close(h.e, wanted.e);
  close(h.x, wanted.x);
  const batch = { e: draw(26, [3, 4]), x: draw(27, [3, 4]) };
  close(vmap(product)(batch), vmap(dense)(batch));
  close(vmap((e: Tensor) => product({ e, x: v }))(batch.e), vmap((e: Tensor) => dense({ e, x: v }))(batch.e));
  const low = sparseOperator({ ...entries, values: entries.values.cast("float32") }).matvec(v.cast("float32"));
  expect(low.dtype).toBe("float32");
  close(low.cast("float64"), product(at), 1e-6);
});

describe("bad calls name what is wrong", () => {
  test.each<[string, () => unknown, new (...args: never[]) => Error, string]>([
    [
      "rank",
      () => denseOperator(a.slice(0)),
      ShapeError,
      "denseOperator: matrix has shape [4]; wants [rows, columns].",
    ],
    ["dtype", () => denseOperator(a.cast("int32")), DTypeError, "matrix is int32; wants float32 or float64"],
    ["not square", () => denseOperator(a, { symmetric: true }), ShapeError, "wants a square one"],
    [
      "psd, not symmetric",
      () =>
        linearOperator({ matvec: (v: Tensor) => v, domain: a.slice(0), symmetric: false, positiveSemidefinite: true }),
      DomainError,
      "positiveSemidefinite without symmetric",
    ],
    [
      "operand",
      () => denseOperator(a).matvec(draw(1, [5])),
      ShapeError,
      "matvec: the operand has shape [5]; wants [4].",
    ],
    ["columns", () => denseOperator(a).matmat(draw(1, [5, 2])), ShapeError, "wants [4, k]"],
    ["sum", () => addOperators(denseOperator(a), denseOperator(c)), ShapeError, "5 × 4 and 4 × 3; wants them alike"],
    [
      "product",
      () => composeOperators(denseOperator(a), denseOperator(b)),
      ShapeError,
      "as many columns of A as rows of B",
    ],
    [
      "shift",
      () => shiftOperator(denseOperator(a), 1),
      ShapeError,
      "shiftOperator: the operator is 5 × 4; wants a square one",
    ],
    ["blocks", () => blockDiagonalOperator([]), DomainError, "there are no blocks"],
    ["too large", () => toDense(identityOperator(5000)), DomainError, "toDense: the operator is 5000 × 5000"],
    [
      "entries",
      () => csrFromEntries(2, 2, [0], [2], [1]),
      DomainError,
      "entry 0 is at [0, 2]; wants a place in [2, 2]",
    ],
    [
      "entries' lengths",
      () => csrFromEntries(2, 2, [0], [1], [1, 2]),
      ShapeError,
      "1 rowIndices, 1 columnIndices and 2 values",
    ],
    [
      "tree",
      () => hessian.apply({ w: draw(1, [3, 2]), b: draw(1, [2]) }),
      ShapeError,
      "apply: x: leaf 1 has shape [3, 2]; wants [2, 2]",
    ],
    ["identity", () => identityOperator(-1), DomainError, "identityOperator: n is -1; wants an integer"],
    ["scale", () => scaleOperator(NaN, identityOperator(2)), DomainError, "scaleOperator: c is NaN; wants a finite"],
    ["shift", () => shiftOperator(identityOperator(2), Infinity), DomainError, "shiftOperator: c is Infinity; wants"],
    [
      "matvec",
      () => linearOperator({} as never),
      DomainError,
      "linearOperator: matvec is undefined; wants the function",
    ],
    [
      "eager transpose",
      () => linearOperator({ matvec: (v: Tensor) => v.mul(2), domain: a.slice(0), eager: true }).rmatvec(a.slice(0)),
      DomainError,
      "give rmatvec",
    ],
  ])("%s", (_name, call, error, message) => {
    expect(call).toThrow(error);
    expect(call).toThrow(message);
  });
});
