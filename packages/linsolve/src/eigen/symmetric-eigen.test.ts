/** Small eigenproblems on the host, and Lanczos' methods on a backend that has neither float64 nor reading at once. */

import { BackendError, DomainError, DTypeError, tensor, use, type Tensor } from "@curv/tensor";
import { eigvalsh } from "@curv/tensor/linalg";
import * as random from "@curv/tensor/random";
import { fc, test } from "@fast-check/vitest";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { narrow } from "../../test/support/narrow-backend.js";
import { eighTridiagonal, eigsh, lanczos, linearOperator, lobpcg } from "../index.js";
import { symmetricEigen, type SymmetricEigen } from "./symmetric-eigen.js";

/** Entries that are often zero, equal or of very different size. */
const entry = fc.oneof(
  fc.constantFrom(0, 0, 1, -1, 2),
  fc.double({ min: -3, max: 3, noNaN: true }),
  fc.integer({ min: -12, max: 12 }).map((power) => 10 ** power),
  fc.constantFrom(5e-324, -1e-310, 1e-200),
);

/** A V = V Λ, VᵀV = I and ascending Λ, to a few ε of the largest entry. */
function expectEigenpairs(a: Float64Array, m: number, { values, vectors }: SymmetricEigen): void {
  const size = Math.max(...a.map(Math.abs), 1e-300);
  for (let i = 0; i < m; i++) {
    if (i > 0) expect(values[i]).toBeGreaterThanOrEqual(values[i - 1]);
    for (let r = 0; r < m; r++) {
      let image = 0;
      for (let c = 0; c < m; c++) image += a[r * m + c] * vectors[i][c];
      expect(Math.abs(image - values[i] * vectors[i][r])).toBeLessThanOrEqual(1e-14 * m * size);
    }
    for (let j = 0; j <= i; j++) {
      const inner = vectors[i].reduce((sum, x, r) => sum + x * vectors[j][r], 0);
      expect(Math.abs(inner - (i === j ? 1 : 0))).toBeLessThanOrEqual(4e-15 * m);
    }
  }
}

describe("on the host", () => {
  test.prop({ entries: fc.array(entry, { minLength: 1, maxLength: 66 }) }, { numRuns: 40 })(
    "eigenpairs of symmetric matrices",
    ({ entries }) => {
      const m = Math.floor((Math.sqrt(8 * entries.length + 1) - 1) / 2);
      const a = new Float64Array(m * m);
      for (let i = 0, at = 0; i < m; i++) for (let j = 0; j <= i; j++) a[i * m + j] = a[j * m + i] = entries[at++];
      const before = a.slice();
      const found = symmetricEigen(a, m);
      expect(a).toEqual(before);
      expectEigenpairs(a, m, found);
      const wanted = eigvalsh(tensor(a, { shape: [m, m] })).dataSync();
      const size = Math.max(...a.map(Math.abs), 1e-300);
      found.values.forEach((x, i) => expect(Math.abs(x - wanted[i])).toBeLessThanOrEqual(1e-14 * m * size));
    },
  );

  test.prop({ pairs: fc.array(fc.tuple(entry, entry), { minLength: 1, maxLength: 20 }) }, { numRuns: 40 })(
    "eigenpairs of tridiagonal matrices",
    ({ pairs }) => {
      const m = pairs.length;
      const [alpha, beta] = [pairs.map(([x]) => x), pairs.map(([, y]) => y)];
      const a = new Float64Array(m * m);
      for (let i = 0; i < m; i++) {
        a[i * m + i] = alpha[i];
        if (i + 1 < m) a[i * m + i + 1] = a[(i + 1) * m + i] = beta[i];
      }
      expectEigenpairs(a, m, eighTridiagonal(alpha, beta));
    },
  );

  test.each([5e-324, 1e-310, 1e-290, 1e-160, 1e160, 1e300])("entries of size %d", (size) => {
    const a = Float64Array.of(0, 1, 2, 1, 0, -1, 2, -1, 3).map((x) => x * size);
    expectEigenpairs(a, 3, symmetricEigen(a, 3));
    expectEigenpairs(Float64Array.of(0, -size, -size, size), 2, eighTridiagonal([0, size], [-size]));
    // Small ones beside large ones: Householder's vector of the first column is small.
    const mixed = Float64Array.of(1, 2 * size, 3 * size, 2 * size, 1, size, 3 * size, size, 1);
    if (size < 1) expectEigenpairs(mixed, 3, symmetricEigen(mixed, 3));
  });

  test("the second difference has eigenvalues 2 − 2 cos(kπ/(m + 1))", () => {
    const m = 200;
    const { values } = eighTridiagonal(new Float64Array(m).fill(2), new Float64Array(m - 1).fill(-1));
    values.forEach((x, i) => expect(Math.abs(x - 2 + 2 * Math.cos(((i + 1) * Math.PI) / (m + 1)))).toBeLessThan(1e-14));
  });

  test("wrong numbers are refused", () => {
    expect(() => eighTridiagonal([1, 2, 3], [1])).toThrow(DomainError);
    expect(() => eighTridiagonal([1, 2, 3], [1])).toThrow(/beta has 1 numbers; wants 2/);
    expect(() => eighTridiagonal([1, NaN], [1])).toThrow(/alpha\[1\] is NaN/);
    expect(() => eighTridiagonal([1, 2], [Infinity])).toThrow(/beta\[0\] is Infinity/);
  });
});

describe("on a backend without float64 that is read asynchronously", () => {
  beforeAll(() => use(narrow));
  afterAll(() => use("cpu"));

  const n = 60;
  const spectrum = Float32Array.from({ length: n }, (_, i) => (i === 1 ? 100 : 100 * 0.8 ** i));
  const diagonal = (): ReturnType<typeof linearOperator<Tensor>> => {
    const d = tensor(spectrum);
    return linearOperator({ matvec: (v: Tensor) => d.mul(v), domain: d, symmetric: true });
  };

  test("is what it says", () => {
    expect(() => tensor([1], { dtype: "float64" })).toThrow(DTypeError);
    expect(() => tensor([1]).dataSync()).toThrow(BackendError);
  });

  test("eigsh finds both ends and a double eigenvalue", async () => {
    const { values, converged, residuals } = await eigsh(diagonal(), { k: 4 });
    expect(converged).toBe(true);
    const found = await values.data();
    [100, 100, 64, 51.2].forEach((x, i) => expect(Math.abs(found[i] - x)).toBeLessThan(2e-3));
    expect(Math.max(...(await residuals.data()))).toBeLessThan(2e-3);
    const ends = await (await eigsh(diagonal(), { k: 2, which: "bothEnds" })).values.data();
    expect(Math.abs(ends[0] - 100)).toBeLessThan(2e-3);
    expect(Math.abs(ends[1] - 100 * 0.8 ** 59)).toBeLessThan(1e-3);
  });

  test("Lanczos with each way to keep the basis orthogonal", async () => {
    const start = random.normal(random.key(1), { shape: [n] });
    for (const reorthogonalise of ["full", "selective", "none"] as const) {
      const { alpha, beta } = await lanczos(diagonal(), start, { steps: 30, reorthogonalise });
      const { values } = eighTridiagonal(alpha, beta);
      expect(Math.abs(values[values.length - 1] - 100)).toBeLessThan(1e-3);
    }
  });

  test("LOBPCG finds both ends and a double eigenvalue, with a preconditioner too", async () => {
    const largest = await lobpcg(diagonal(), { k: 4 });
    expect(largest).toMatchObject({ converged: true, status: "converged" });
    const found = await largest.values.data();
    [100, 100, 64, 51.2].forEach((x, i) => expect(Math.abs(found[i] - x)).toBeLessThan(2e-3));
    expect(Math.max(...(await largest.residuals.data()))).toBeLessThan(2e-2);
    const even = tensor(Float32Array.from({ length: n }, (_, i) => 1 + i));
    const wide = linearOperator({ matvec: (v: Tensor) => even.square().mul(v), domain: even, symmetric: true });
    const inverse = linearOperator({ matvec: (v: Tensor) => v.div(even.square()), domain: even, symmetric: true });
    const smallest = await lobpcg(wide, { k: 3, which: "smallest", preconditioner: inverse });
    expect(smallest.converged).toBe(true);
    const least = await smallest.values.data();
    [1, 4, 9].forEach((x, i) => expect(Math.abs(least[i] - x)).toBeLessThan(1e-3));
  });
});
