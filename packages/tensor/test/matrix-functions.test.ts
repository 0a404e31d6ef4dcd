/** Functions of symmetric matrices at repeated eigenvalues (theme-tensor-core §11.12), where differentiating eigenvectors is wrong. */

import { describe, expect, test } from "vitest";
import { exp, eye, grad, hessian, jvp, tensor, vmap, type Tensor } from "@curv/tensor";
import { eigh, expm, invsqrtm, logm, powm, sqrtm, symmetricFunction } from "@curv/tensor/linalg";
import { uniformOf } from "../src/testing/operand.js";

const n = 4;
function symmetric(name: string): Tensor {
  const uniform = uniformOf(name);
  const x = tensor(
    Float64Array.from({ length: n * n }, () => 2 * uniform() - 1),
    { shape: [n, n] },
  );
  return x.add(x.T).mul(0.5);
}
const [E1, E2, B] = ["E1", "E2", "B"].map(symmetric);
const identity = eye(n, n, { dtype: "float64" });
const largest = (x: Tensor): number => x.abs().max().itemSync();

/** f, its first and second derivative as functions of numbers. */
const functions: readonly [
  string,
  (a: Tensor) => Tensor,
  (c: number) => number,
  (c: number) => number,
  (c: number) => number,
][] = [
  [
    "exp",
    (a) => symmetricFunction(a, { f: exp, derivative: exp, secondDerivative: exp }),
    Math.exp,
    Math.exp,
    Math.exp,
  ],
  ["exp, derivatives not given", (a) => symmetricFunction(a, { f: exp }), Math.exp, Math.exp, Math.exp],
  ["sqrtm", sqrtm, Math.sqrt, (c) => 0.5 / Math.sqrt(c), (c) => -0.25 * c ** -1.5],
  ["logm", logm, Math.log, (c) => 1 / c, (c) => -1 / (c * c)],
  ["invsqrtm", invsqrtm, (c) => c ** -0.5, (c) => -0.5 * c ** -1.5, (c) => 0.75 * c ** -2.5],
  ["powm 1.7", (a) => powm(a, 1.7), (c) => c ** 1.7, (c) => 1.7 * c ** 0.7, (c) => 1.19 * c ** -0.3],
];

describe.each(functions)("%s at c·I", (_name, f, value, first, second) => {
  test.each([0.7, 1, 3])("c = %d: f(c) I, f′(c) E, f″(c) (E₁E₂ + E₂E₁)/2", (c) => {
    const A = identity.mul(c);
    const along = (E: Tensor) => (a: Tensor) => jvp(f, [a], [E]).tangent;
    expect(largest(f(A).sub(identity.mul(value(c))))).toBeLessThan(1e-13 * Math.abs(value(c)) + 1e-14);
    expect(largest(along(E1)(A).sub(E1.mul(first(c))))).toBeLessThan(4e-12);
    const anti = E1.matmul(E2)
      .add(E2.matmul(E1))
      .mul(0.5 * second(c));
    expect(largest(jvp(along(E1), [A], [E2]).tangent.sub(anti))).toBeLessThan(3e-10);
    // Reverse mode: ∇ tr(B f(A)) = f′(c) B, and its Hessian along E.
    const trace = (a: Tensor): Tensor => B.mul(f(a)).sum();
    expect(largest(grad(trace)(A).sub(B.mul(first(c))))).toBeLessThan(4e-12);
    const wanted = B.matmul(E1)
      .add(E1.matmul(B))
      .mul(0.5 * second(c));
    expect(largest(jvp(grad(trace), [A], [E1]).tangent.sub(wanted))).toBeLessThan(3e-10);
  });
});

test("at a triple and a double eigenvalue: exact to second order, where masked eigenvectors are not", () => {
  const size = 5;
  const uniform = uniformOf("Q");
  const x = tensor(
    Float64Array.from({ length: size * size }, () => 2 * uniform() - 1),
    { shape: [size, size] },
  );
  const Q = eigh(x.add(x.T)).vectors;
  const A = Q.mul(tensor([1.5, 1.5, 1.5, -0.4, -0.4], { dtype: "float64" })).matmul(Q.T);
  const E = x.add(x.T).mul(0.5);
  const b = Q.matmul(x.mul(x)).matmul(Q.T);
  const f = (a: Tensor): Tensor =>
    b
      .add(b.T)
      .mul(symmetricFunction(a, { f: exp }))
      .sum();
  const reference = (a: Tensor): Tensor => b.add(b.T).mul(expm(a)).sum();
  const byVectors = (a: Tensor): Tensor => {
    const { values, vectors } = eigh(a);
    return b
      .add(b.T)
      .mul(vectors.mul(exp(values)).matmul(vectors.T))
      .sum();
  };
  const slope = (h: typeof f): number => jvp(h, [A], [E]).tangent.itemSync();
  const curvature = (h: typeof f): number => jvp((a: Tensor) => jvp(h, [a], [E]).tangent, [A], [E]).tangent.itemSync();
  expect(Math.abs(slope(f) - slope(reference))).toBeLessThan(4e-12 * Math.abs(slope(reference)) + 1e-11);
  expect(Math.abs(curvature(f) - curvature(reference))).toBeLessThan(3e-10 * Math.abs(curvature(reference)) + 1e-9);
  expect(Math.abs(slope(byVectors) - slope(reference))).toBeGreaterThan(1e-3 * Math.abs(slope(reference)));
});

test("vmap and the full Hessian at c·I", () => {
  const H = hessian((a: Tensor) => symmetricFunction(a, { f: exp }).mul(B).sum())(identity);
  const product = H.reshape(n * n, n * n)
    .matmul(E1.reshape(n * n))
    .reshape(n, n);
  const wanted = B.matmul(E1)
    .add(E1.matmul(B))
    .mul(0.5 * Math.E);
  expect(largest(product.sub(wanted))).toBeLessThan(3e-10);
  const batch = vmap(grad((a: Tensor) => sqrtm(a).mul(B).sum()))(
    tensor([1, 4], { dtype: "float64" }).reshape(2, 1, 1).mul(identity),
  );
  expect(largest(batch.slice(0).sub(B.mul(0.5)))).toBeLessThan(1e-12);
  expect(largest(batch.slice(1).sub(B.mul(0.25)))).toBeLessThan(1e-12);
});
