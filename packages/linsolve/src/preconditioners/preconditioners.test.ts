/** Preconditioners save the steps that they are for, and the classical iterations arrive where theory says. */

import { concat, eye, grad, jit, matmul, tensor, zeros, type Tensor, DomainError, ShapeError } from "@curv/tensor";
import { inv } from "@curv/tensor/linalg";
import * as random from "@curv/tensor/random";
import { describe, expect, test } from "vitest";
import {
  blockJacobiPreconditioner,
  cg,
  cgCore,
  chebyshev,
  chebyshevCore,
  csrFromEntries,
  denseOperator,
  diagonalOperator,
  eigsh,
  incompleteCholeskyPreconditioner,
  jacobiPreconditioner,
  lowRankPreconditioner,
  nystrom,
  nystromPreconditioner,
  powerIterationCore,
  randomizedSvd,
  richardson,
  richardsonCore,
  shiftOperator,
  sparseOperator,
  toDense,
  type CsrMatrix,
} from "../index.js";

const draw = (seed: number, shape: number[]): Tensor => random.normal(random.key(seed), { shape, dtype: "float64" });
const orthogonal = (seed: number, n: number): Tensor => random.orthogonal(random.key(seed), n, { dtype: "float64" });
const close = (x: Tensor, y: Tensor, tolerance: number): void => {
  expect(x.shape).toEqual(y.shape);
  expect(x.sub(y).abs().max().itemSync()).toBeLessThanOrEqual(tolerance);
};

/** The five-point Laplacian of a grid. */
function laplacian(side: number): CsrMatrix {
  const [i, j, v]: [number[], number[], number[]] = [[], [], []];
  const add = (p: number, q: number, x: number): void => {
    i.push(p);
    j.push(q);
    v.push(x);
  };
  for (let p = 0; p < side * side; p++) {
    add(p, p, 4);
    const [x, y] = [p % side, Math.floor(p / side)];
    if (x > 0) add(p, p - 1, -1);
    if (x + 1 < side) add(p, p + 1, -1);
    if (y > 0) add(p, p - side, -1);
    if (y + 1 < side) add(p, p + side, -1);
  }
  return csrFromEntries(side * side, side * side, i, j, v);
}

describe("preconditioners", () => {
  test("Jacobi: a badly scaled matrix becomes a good one", async () => {
    const n = 60;
    const scales = tensor(Float64Array.from({ length: n }, (_, i) => 10 ** (-3 + (6 * i) / n)));
    const core = draw(1, [n, n]);
    const good = matmul(core, core.transpose())
      .div(n)
      .add(eye(n, n, { dtype: "float64" }).mul(2));
    const a = good.mul(scales).mul(scales.expandDims(1));
    const operator = denseOperator(a, { positiveSemidefinite: true });
    const diagonal = a.mul(eye(n, n, { dtype: "float64" })).sum(1);
    const b = draw(2, [n]);
    const [plain, scaled] = [
      await cg(operator, b),
      await cg(operator, b, { preconditioner: jacobiPreconditioner(diagonal) }),
    ];
    expect(scaled.converged).toBe(true);
    expect(scaled.iterations).toBeLessThan(plain.iterations / 4);
  });

  test("block Jacobi: exact for a block-diagonal matrix, at jit as well", () => {
    const blocks = [draw(3, [3, 3]), draw(4, [3, 3])].map((x) =>
      x.matmul(x.transpose()).add(eye(3, 3, { dtype: "float64" })),
    );
    const zero = zeros([3, 3], { dtype: "float64" });
    const rows = [
      [blocks[0], zero],
      [zero, blocks[1]],
    ] as const;
    const a = concat(
      rows.map((row) => concat(row, 1)),
      0,
    );
    close(toDense(blockJacobiPreconditioner(a, 3)), inv(a), 1e-12);
    const x = jit(
      (m: Tensor) =>
        cgCore(denseOperator(m, { symmetric: true }), draw(5, [6]), { preconditioner: blockJacobiPreconditioner(m, 3) })
          .iterations,
    )(a);
    expect(x.itemSync()).toBeLessThanOrEqual(2);
  });

  test("incomplete Cholesky: complete where nothing is dropped, and a third of the steps on a grid", async () => {
    const tridiagonal = csrFromEntries(
      5,
      5,
      [0, 1, 1, 2, 2, 3, 3, 4, 4, 0, 1, 2, 3],
      [0, 0, 1, 1, 2, 2, 3, 3, 4, 1, 2, 3, 4],
      [2, -1, 2, -1, 2, -1, 2, -1, 2, -1, -1, -1, -1],
    );
    const exact = incompleteCholeskyPreconditioner(tridiagonal);
    close(toDense(exact), inv(toDense(sparseOperator(tridiagonal))), 1e-12);
    const grid = laplacian(30);
    const operator = sparseOperator(grid, { positiveSemidefinite: true });
    const b = draw(6, [900]);
    const plain = await cg(operator, b);
    const better = await cg(operator, b, { preconditioner: incompleteCholeskyPreconditioner(grid) });
    expect(better).toMatchObject({ converged: true, status: "converged" });
    expect(better.iterations).toBeLessThan(plain.iterations / 2);
    close(operator.matvec(better.x), b, 1e-5);
  });

  test("incomplete Cholesky: a matrix without one is shifted", async () => {
    // Positive definite, with a pivot that dropping makes negative (Kershaw 1978).
    const kershaw = csrFromEntries(
      4,
      4,
      [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3],
      [0, 1, 3, 0, 1, 2, 1, 2, 3, 0, 2, 3],
      [3, -2, 2, -2, 3, -2, -2, 3, -2, 2, -2, 3],
    );
    const m = incompleteCholeskyPreconditioner(kershaw);
    expect(toDense(m).sub(toDense(m)).abs().max().itemSync()).toBe(0); // finite
    const operator = sparseOperator(kershaw, { symmetric: true });
    expect(await cg(operator, draw(7, [4]), { preconditioner: m })).toMatchObject({ converged: true });
  });

  test("Nyström: a decaying spectrum with damping takes a few steps, whatever the condition", async () => {
    const n = 200;
    const q = orthogonal(8, n);
    const values = tensor(Float64Array.from({ length: n }, (_, i) => 10 * 0.7 ** i));
    const a = denseOperator(matmul(q.mul(values), q.transpose()), { positiveSemidefinite: true });
    const damping = 1e-6;
    const b = draw(9, [n]);
    const damped = shiftOperator(a, damping);
    const plain = await cg(damped, b);
    const preconditioner = nystromPreconditioner(a, { rank: 60, damping, key: random.key(10) });
    const better = await cg(damped, b, { preconditioner });
    expect(better.converged).toBe(true);
    expect(better.iterations).toBeLessThanOrEqual(12);
    expect(plain.iterations).toBeGreaterThan(5 * better.iterations);
  });
});

describe("a diagonal and a few directions", () => {
  const [n, k] = [30, 4];
  const [u, x] = [draw(21, [n, k]), draw(22, [n])];
  const weights = tensor([3, 0, 1e-4, 20], { dtype: "float64" });
  const diagonal = draw(23, [n]).square().add(0.05);
  const dense = (v: Tensor, w: Tensor, d: Tensor | number): Tensor =>
    matmul(v.mul(w), v.transpose()).add(eye(n, n, { dtype: "float64" }).mul(d));

  test("is inverted: a number and a diagonal, vectors and columns, float32 too", () => {
    for (const d of [0.3, diagonal]) {
      const inverse = inv(dense(u, weights, d));
      const m = lowRankPreconditioner(u, weights, d);
      close(toDense(m), inverse, 1e-11);
      close(m.matvec(x), matmul(inverse, x), 1e-11);
      expect(m).toMatchObject({ symmetric: true, positiveSemidefinite: true, dtype: "float64" });
      const narrow = lowRankPreconditioner(u.cast("float32"), weights, d).matvec(x.cast("float32"));
      expect(narrow.dtype).toBe("float32");
      close(narrow.cast("float64"), matmul(inverse, x), 1e-4);
    }
  });

  test("traces, and differentiates in all that it is made of", () => {
    const positive = weights.add(0.5);
    const by = (v: Tensor, w: Tensor, d: Tensor): Tensor => lowRankPreconditioner(v, w, d).matvec(x).square().sum();
    const plain = (v: Tensor, w: Tensor, d: Tensor): Tensor => matmul(inv(dense(v, w, d)), x).square().sum(); // prettier-ignore
    close(jit(by)(u, positive, diagonal), plain(u, positive, diagonal), 1e-9);
    for (const argnums of [0, 1, 2]) {
      const wanted = grad(plain, { argnums })(u, positive, diagonal);
      close(grad(by, { argnums })(u, positive, diagonal), wanted, 1e-9 * wanted.abs().max().itemSync());
    }
  });

  test("leaves CG the eigenvalues that it does not have", async () => {
    const values = tensor(Float64Array.from({ length: 100 }, (_, i) => (i < 10 ? 10 ** (6 - i / 5) : 1 + i / 100)));
    const q = orthogonal(24, 100);
    const a = denseOperator(matmul(q.mul(values), q.transpose()), { positiveSemidefinite: true });
    const top = await eigsh(a, { k: 10 });
    const b = draw(25, [100]);
    const plain = await cg(a, b);
    // What is left lies between 1.1 and 2.
    const preconditioner = lowRankPreconditioner(top.vectors, top.values.sub(1.5), 1.5);
    const better = await cg(a, b, { preconditioner });
    expect(better.converged).toBe(true);
    expect(better.iterations).toBeLessThan(20);
    expect(plain.iterations).toBeGreaterThan(2 * better.iterations);
  });
});

describe("approximations of low rank", () => {
  const n = 80;
  const q = orthogonal(11, n);
  const decay = Float64Array.from({ length: n }, (_, i) => 0.5 ** i);
  const a = matmul(q.mul(tensor(decay)), q.transpose());

  test("Nyström: exact for a matrix of that rank, near for one that decays", () => {
    const low = matmul(q.slice(null, [0, 5]), q.slice(null, [0, 5]).transpose());
    const { values, vectors, products } = nystrom(denseOperator(low, { positiveSemidefinite: true }), {
      rank: 8,
      key: random.key(1),
    });
    expect(products).toBe(8);
    close(matmul(vectors.mul(values), vectors.transpose()), low, 1e-7);
    const near = nystrom(denseOperator(a, { positiveSemidefinite: true }), { rank: 30, key: random.key(2) });
    close(near.values.slice([0, 8]), tensor(decay.slice(0, 8)), 1e-6);
    close(matmul(near.vectors.transpose(), near.vectors), eye(30, 30, { dtype: "float64" }), 1e-10);
  });

  test("randomised SVD of a tall matrix", () => {
    const left = orthogonal(12, 100).slice(null, [0, n]);
    const tall = matmul(left.mul(tensor(decay)), q.transpose());
    const { u, s, vt, products } = randomizedSvd(denseOperator(tall), { rank: 6, key: random.key(3) });
    expect(products).toBe(96);
    close(s, tensor(decay.slice(0, 6)), 1e-12);
    close(matmul(u.transpose(), tall), vt.mul(s.expandDims(1)), 1e-9);
    close(matmul(u.transpose(), u), eye(6, 6, { dtype: "float64" }), 1e-12);
  });

  test("power iteration: the sign is kept; a tie does not converge and says so", () => {
    const { values, converged, vectors, residuals } = powerIterationCore(
      diagonalOperator(tensor(Float64Array.of(-5, 3, 1))),
      { key: random.key(4), tol: 1e-16 },
    );
    expect(converged.itemSync()).toBe(1);
    expect(values.dataSync()[0]).toBeCloseTo(-5, 12);
    expect(Math.abs(vectors.dataSync()[0])).toBeCloseTo(1, 7);
    expect(residuals.dataSync()[0]).toBeLessThan(5e-8);
    const tie = jit(() =>
      powerIterationCore(diagonalOperator(tensor(Float64Array.of(-5, 5))), { key: random.key(4), maxIter: 50 }),
    )();
    expect(tie.converged.itemSync()).toBe(0);
    expect(tie.iterations.itemSync()).toBe(50);
  });
});

describe("classical iterations", () => {
  const n = 50;
  const spectrum = Float64Array.from({ length: n }, (_, i) => 1 + (9 * i) / (n - 1));
  const q = orthogonal(13, n);
  const a = matmul(q.mul(tensor(spectrum)), q.transpose());
  const operator = denseOperator(a.add(a.transpose()).div(2), { positiveSemidefinite: true });
  const b = draw(14, [n]);
  const x = matmul(inv(a), b);

  test("Chebyshev: as fast as its polynomial", async () => {
    const result = await chebyshev(operator, b, { lower: 1, upper: 10, rtol: 1e-10 });
    expect(result.converged).toBe(true);
    close(result.x, x, 1e-8);
    const rate = (Math.sqrt(10) - 1) / (Math.sqrt(10) + 1);
    expect(result.iterations).toBeLessThanOrEqual(Math.ceil(Math.log(1e-10 / 2) / Math.log(rate)) + 1);
    close(jit((v: Tensor) => chebyshevCore(operator, v, { lower: 1, upper: 10, rtol: 1e-12 }).x)(b), x, 1e-9);
  });

  test("Richardson: as fast as 1 − 2/(κ + 1); a step too long diverges, after three growths", async () => {
    const result = await richardson(operator, b, { stepSize: 2 / 11, rtol: 1e-10 });
    expect(result.converged).toBe(true);
    close(result.x, x, 1e-8);
    expect(result.iterations).toBeLessThanOrEqual(Math.ceil(Math.log(1e-10) / Math.log(9 / 11)));
    const long = await richardson(operator, b, { stepSize: 0.25 });
    expect(long).toMatchObject({ converged: false, status: "diverged" });
    // The last growth counts from the residual before it.
    const least = long.history.indexOf(Math.min(...long.history));
    expect(long.iterations).toBe(least + 4);
  });

  test("Richardson from zero is the Neumann series", () => {
    const terms = 5;
    let [sum, term] = [zeros([n], { dtype: "float64" }), b.mul(0.1)];
    for (let k = 0; k < terms; k++) {
      sum = sum.add(term);
      term = term.sub(operator.matvec(term).mul(0.1));
    }
    const { x: series, iterations } = richardsonCore(operator, b, { stepSize: 0.1, maxIter: terms });
    expect(iterations.itemSync()).toBe(terms);
    close(series, sum, 1e-12);
  });
});

test.each<[string, () => unknown, new (...args: never[]) => Error, string]>([
  ["jacobi", () => jacobiPreconditioner(draw(1, [2, 2])), ShapeError, "wants a vector"],
  [
    "block size",
    () => blockJacobiPreconditioner(draw(1, [4, 4]), 3),
    DomainError,
    "blockSize is 3; wants a divisor of 4",
  ],
  [
    "incomplete Cholesky",
    () => incompleteCholeskyPreconditioner(csrFromEntries(2, 2, [0], [0], [1])),
    DomainError,
    "the diagonal entry of row 1 is missing or NaN",
  ],
  [
    "directions",
    () => lowRankPreconditioner(draw(1, [3, 2]), draw(1, [3]), 1),
    ShapeError,
    "lowRankPreconditioner: u and d have shapes [3, 2] and [3]; wants [n, k] and [k].",
  ],
  [
    "weights",
    () => lowRankPreconditioner(draw(1, [3, 2]), tensor([1, -1]), 1),
    DomainError,
    "d[1] is -1; wants finite numbers >= 0",
  ],
  [
    "a diagonal of another length",
    () => lowRankPreconditioner(draw(1, [3, 2]), tensor([1, 1]), tensor([1, 1])),
    ShapeError,
    "diagonal has shape [2]; wants a number or [3]",
  ],
  [
    "a diagonal with a zero",
    () => lowRankPreconditioner(draw(1, [3, 2]), tensor([1, 1]), tensor([1, 0, 1])),
    DomainError,
    "diagonal[1] is 0; wants positive numbers",
  ],
  [
    "damping",
    () => nystromPreconditioner(denseOperator(eye(3)), { rank: 1, damping: 0, key: random.key(0) }),
    DomainError,
    "damping is 0; wants a positive number",
  ],
  [
    "rank",
    () => nystrom(denseOperator(eye(3)), { rank: 4, key: random.key(0) }),
    DomainError,
    "nystrom: rank is 4; wants an integer from 1 to 3.",
  ],
  [
    "oversampling",
    () => randomizedSvd(denseOperator(eye(3)), { rank: 1, oversampling: -1, key: random.key(0) }),
    DomainError,
    "oversampling is -1",
  ],
  [
    "power iteration",
    () => powerIterationCore(denseOperator(eye(3)), { key: random.key(0), maxIter: 0 }),
    DomainError,
    "maxIter is 0",
  ],
  [
    "chebyshev",
    () => chebyshevCore(denseOperator(eye(3)), zeros([3]), { lower: 0, upper: 1 }),
    DomainError,
    "lower is 0, upper is 1; wants 0 < lower < upper",
  ],
  [
    "richardson",
    () => richardsonCore(denseOperator(eye(3)), zeros([3]), { stepSize: NaN }),
    DomainError,
    "stepSize is NaN",
  ],
])("bad call: %s", (_name, call, error, message) => {
  expect(call).toThrow(error);
  expect(call).toThrow(message);
});
