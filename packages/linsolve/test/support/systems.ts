/** The systems of fixtures/make-systems.py, by the same formulas. */

import { eye, tensor, zeros, concat, type Tensor } from "@curv/tensor";
import { kron } from "@curv/tensor";
import { qr } from "@curv/tensor/linalg";

const f64 = (data: ArrayLike<number>, shape: readonly number[]): Tensor => tensor(Float64Array.from(data), { shape });

/** sin((k + 1 + seed)²). */
export function noise(rows: number, columns: number, seed: number): Tensor {
  return f64(
    Array.from({ length: rows * columns }, (_, k) => Math.sin((k + 1 + seed) ** 2)),
    [rows, columns],
  );
}

/** The Q of noise, with a positive diagonal of R. */
export function orthogonal(n: number, seed: number): Tensor {
  return qr(noise(n, n, seed)).q;
}

/** Symmetric, with these eigenvalues. */
export function withSpectrum(values: readonly number[], seed: number): Tensor {
  const q = orthogonal(values.length, seed);
  const a = q.mul(f64(values, [values.length])).matmul(q.transpose());
  return a.add(a.transpose()).div(2);
}

const logspaced = (n: number, kappa: number): number[] => Array.from({ length: n }, (_, i) => kappa ** (-i / (n - 1)));
const identity = (n: number, k = 0): Tensor => eye(n, n, { k, dtype: "float64" });
const laplacian = (n: number): Tensor => identity(n).mul(2).sub(identity(n, 1)).sub(identity(n, -1));

export interface TestSystem {
  readonly name: string;
  readonly kind: "spd" | "indefinite" | "general" | "singular" | "rectangular";
  readonly a: Tensor;
}

/** All matrices, in the order of the fixture. */
export function systems(): TestSystem[] {
  const n = 40;
  const list: TestSystem[] = [];
  const add = (kind: TestSystem["kind"], name: string, a: Tensor): unknown => list.push({ kind, name, a });
  const alternating = (values: readonly number[]): number[] => values.map((v, i) => (i % 2 === 0 ? v : -v));
  for (const e of [1, 2, 3, 4, 6, 9, 12]) add("spd", `spd, κ = 1e${e}`, withSpectrum(logspaced(n, 10 ** e), 100 * e));
  const clusters = Array.from({ length: n }, (_, i) => (i < 20 ? 1 : 100) + i * 1e-3);
  add("spd", "spd, two clusters", withSpectrum(clusters, 5));
  add("spd", "spd, 1-d Laplacian", laplacian(n));
  add("spd", "spd, 2-d Laplacian", kron(laplacian(7), identity(6)).add(kron(identity(7), laplacian(6))));
  for (const e of [1, 2, 3, 4, 6, 9, 12]) {
    add("indefinite", `indefinite, κ = 1e${e}`, withSpectrum(alternating(logspaced(n, 10 ** e)), 100 * e + 7));
  }
  const b = noise(10, 25, 3);
  const top = concat([withSpectrum(logspaced(25, 10), 11), b.transpose()], 1);
  const bottom = concat([b, zeros([10, 10], { dtype: "float64" })], 1);
  add("indefinite", "indefinite, saddle point", concat([top, bottom], 0));
  add("indefinite", "indefinite, shifted Laplacian", laplacian(n).sub(identity(n).mul(1.3)));
  [0.02, 0.05, 0.1, 0.2].forEach((c, i) =>
    add("general", `general, I + ${c} G`, identity(n).add(noise(n, n, 900 + i).mul(c))),
  );
  for (const p of [0.1, 0.5, 0.9]) {
    add("general", `general, convection ${p}`, laplacian(n).add(identity(n, 1).sub(identity(n, -1)).mul(p)));
  }
  for (const e of [1, 2, 4]) {
    const left = orthogonal(n, e).mul(f64(logspaced(n, 10 ** e), [n]));
    add("general", `general, κ = 1e${e}`, left.matmul(orthogonal(n, e + 50).transpose()).add(identity(n)));
  }
  for (const e of [1, 3]) {
    const values = logspaced(n, 10 ** e).map((v, i) => (i < 30 ? v : 0));
    add("singular", `singular, κ = 1e${e}`, withSpectrum(values, 300 + e));
  }
  for (const e of [1, 3]) {
    const values = alternating(logspaced(n, 10 ** e)).map((v, i) => (i < 35 ? v : 0));
    add("singular", `singular indefinite, κ = 1e${e}`, withSpectrum(values, 400 + e));
  }
  for (const [rows, columns, e] of [
    [60, 25, 1],
    [60, 25, 3],
    [25, 60, 1],
    [25, 60, 3],
    [50, 30, 6],
  ]) {
    const k = Math.min(rows, columns);
    const left = orthogonal(rows, e)
      .slice(null, [0, k])
      .mul(f64(logspaced(k, 10 ** e), [k]));
    const right = orthogonal(columns, e + 9).slice(null, [0, k]);
    add("rectangular", `${rows} × ${columns}, κ = 1e${e}`, left.matmul(right.transpose()));
  }
  return list;
}
