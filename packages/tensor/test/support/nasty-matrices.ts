/** Matrices on which factorisations go wrong: test support, shared by the tests of the kernels and of the primitives. */

export interface TestMatrix {
  readonly name: string;
  readonly m: number;
  readonly n: number;
  /** Row-major. */
  readonly data: Float64Array;
  /** Symmetric, to the last bit. */
  readonly symmetric: boolean;
  /** Symmetric positive definite, far enough from singular for a Cholesky factorisation to exist in float64. */
  readonly definite: boolean;
  /** Entries outside float32's range, or too large for a second run. */
  readonly float64Only: boolean;
}

type Entry = (i: number, j: number) => number;

function matrix(
  name: string,
  m: number,
  n: number,
  entry: Entry,
  kind: "general" | "symmetric" | "definite" = "general",
  float64Only: boolean = false,
): TestMatrix {
  const data = new Float64Array(m * n);
  for (let i = 0; i < m; i++) for (let j = 0; j < n; j++) data[i * n + j] = entry(i, j);
  return { name, m, n, data, symmetric: kind !== "general", definite: kind === "definite", float64Only };
}

/** sin(k²), k = 1, 2, … row by row: full rank and without pattern, unlike sin(k), which has rank 2. */
export function sineSquares(m: number, n: number): Float64Array {
  return Float64Array.from({ length: m * n }, (_, k) => Math.sin((k + 1) ** 2));
}

/** cos(k²), k = 1, 2, … row by row. */
export function cosineSquares(m: number, n: number): Float64Array {
  return Float64Array.from({ length: m * n }, (_, k) => Math.cos((k + 1) ** 2));
}

/** Q diag(d) Qᵀ with Q = I − 2uuᵀ/uᵀu and a further reflector: prescribed eigenvalues, symmetric to the last bit. */
export function symmetricWithSpectrum(eigenvalues: readonly number[]): Float64Array {
  const n = eigenvalues.length;
  const a = new Float64Array(n * n);
  for (let i = 0; i < n; i++) a[i * n + i] = eigenvalues[i];
  for (const seed of [1, 2]) {
    const u = Array.from({ length: n }, (_, i) => Math.sin((i + seed) ** 2) + 0.5);
    const norm = u.reduce((sum, x) => sum + x * x, 0);
    const p = u.map((_, i) => u.reduce((sum, x, j) => sum + a[i * n + j] * x, 0) * (2 / norm));
    const half = u.reduce((sum, x, i) => sum + x * p[i], 0) / norm;
    for (let i = 0; i < n; i++) {
      for (let j = 0; j <= i; j++) {
        a[i * n + j] -= u[i] * (p[j] - half * u[j]) + (p[i] - half * u[i]) * u[j];
        a[j * n + i] = a[i * n + j];
      }
    }
  }
  return a;
}

const from =
  (data: Float64Array, n: number): Entry =>
  (i, j) =>
    data[i * n + j];

const random = (m: number, n: number): Entry => from(sineSquares(m, n), n);

const symmetricRandom =
  (n: number): Entry =>
  (i, j) =>
    Math.sin((Math.max(i, j) * n + Math.min(i, j) + 1) ** 2);

const range = (n: number, f: (i: number) => number): number[] => Array.from({ length: n }, (_, i) => f(i));

const spectrum = (values: readonly number[]): Entry => from(symmetricWithSpectrum(values), values.length);

/** Dominant diagonal, so definite; off it a symmetric random matrix. */
const dominant =
  (n: number): Entry =>
  (i, j) =>
    i === j ? n : symmetricRandom(n)(i, j);

export const hilbert: Entry = (i, j) => 1 / (i + j + 1);

/** Kahan (1966): column pivoting sees |R_nn| ≫ σ_n. */
export const kahan =
  (n: number, theta: number): Entry =>
  (i, j) =>
    i > j ? 0 : Math.sin(theta) ** i * (i === j ? 1 : -Math.cos(theta)) * (1 + (n - i) * 2 ** -48);

/** W21+ (Wilkinson 1965): its two largest eigenvalues differ by 7e-14. */
export const wilkinson =
  (n: number): Entry =>
  (i, j) =>
    i === j ? Math.abs(i - (n - 1) / 2) : Math.abs(i - j) === 1 ? 1 : 0;

/** Wilkinson (1961): partial pivoting lets U grow to 2^(n−1). */
export const growth =
  (n: number): Entry =>
  (i, j) =>
    j === n - 1 || i === j ? 1 : i > j ? -1 : 0;

/** Läuchli (1961): AᵀA is singular in floating point, A is not. [n + 1, n]. */
export const lauchli =
  (mu: number): Entry =>
  (i, j) =>
    i === 0 ? 1 : i === j + 1 ? mu : 0;

/** Grcar (1989): eigenvalues of moderate, pseudospectra of extreme sensitivity. */
export const grcar: Entry = (i, j) => (j === i - 1 ? -1 : j >= i && j <= i + 3 ? 1 : 0);

/** Frank (1958): upper Hessenberg, determinant 1, smallest eigenvalues very ill conditioned. */
export const frank =
  (n: number): Entry =>
  (i, j) =>
    j < i - 1 ? 0 : n - Math.max(i, j);

export const jordan =
  (lambda: number): Entry =>
  (i, j) =>
    i === j ? lambda : j === i + 1 ? 1 : 0;

/** The whole list. Sizes stay at 100 or below; `largeMatrices` has the 500s. */
export function nastyMatrices(): TestMatrix[] {
  return [
    matrix("empty", 0, 0, () => 0, "definite"),
    matrix("4×0", 4, 0, () => 0),
    matrix("0×4", 0, 4, () => 0),
    matrix("1×1", 1, 1, () => 3, "definite"),
    matrix("1×1 negative", 1, 1, () => -3, "symmetric"),
    matrix("1×1 zero", 1, 1, () => 0, "symmetric"),
    matrix("1×5", 1, 5, random(1, 5)),
    matrix("5×1", 5, 1, random(5, 1)),
    matrix("2×2", 2, 2, (i, j) => (i === j ? 2 + i : -1), "definite"),
    matrix("zeros", 7, 7, () => 0, "symmetric"),
    matrix("zeros 9×4", 9, 4, () => 0),
    matrix("ones", 20, 20, () => 1, "symmetric"),
    matrix("ones 6", 6, 6, () => 1, "symmetric"),
    matrix("2.5·identity", 12, 12, (i, j) => (i === j ? 2.5 : 0), "definite"),
    matrix("identity 5", 5, 5, (i, j) => (i === j ? 1 : 0), "definite"),
    matrix("Hilbert 12", 12, 12, hilbert, "definite"),
    matrix("Hilbert 40", 40, 40, hilbert, "symmetric"),
    matrix("Vandermonde 15", 15, 15, (i, j) => ((i + 1) / 15) ** j),
    matrix("Kahan(1.2) 40", 40, 40, kahan(40, 1.2)),
    matrix("W21+", 21, 21, wilkinson(21), "symmetric"),
    matrix("growth 40", 40, 40, growth(40)),
    matrix("Läuchli 7×6", 7, 6, lauchli(1e-9)),
    matrix("Läuchli 41×40", 41, 40, lauchli(1e-9)),
    matrix("rank 3 of 40", 40, 40, (i, j) => Math.sin(i + j) + Math.cos(i * 3) * Math.sin(j * 2)),
    matrix("rank 3 of 40, symmetric", 40, 40, spectrum(range(40, (i) => (i < 3 ? i + 1 : 0))), "symmetric"),
    matrix("graded diagonal", 20, 20, (i, j) => (i === j ? 10 ** -i : 0), "definite"),
    matrix("graded", 20, 20, (i, j) => Math.sin((20 * i + j + 1) ** 2) * 10 ** -(i + j)),
    matrix("graded upwards", 20, 20, (i, j) => Math.sin((20 * i + j + 1) ** 2) * 10 ** -(38 - i - j)),
    matrix("graded definite", 20, 20, (i, j) => (i === j ? 2 : 0.5 ** Math.abs(i - j)) * 10 ** -(i + j), "definite"),
    matrix("graded symmetric upwards", 20, 20, (i, j) => symmetricRandom(20)(i, j) * 10 ** -(38 - i - j), "symmetric"),
    matrix("1e-160", 20, 20, (i, j) => symmetricRandom(20)(i, j) * 1e-160, "symmetric", true),
    matrix("1e-160 definite", 10, 10, (i, j) => dominant(10)(i, j) * 1e-160, "definite", true),
    matrix("1e-160 30×8", 30, 8, (i, j) => random(30, 8)(i, j) * 1e-160, "general", true),
    matrix("1e150", 20, 20, (i, j) => symmetricRandom(20)(i, j) * 1e150, "symmetric", true),
    matrix("1e150 definite", 10, 10, (i, j) => dominant(10)(i, j) * 1e150, "definite", true),
    matrix("1e150 8×30", 8, 30, (i, j) => random(8, 30)(i, j) * 1e150, "general", true),
    matrix(
      "1e150 and 1e-160",
      6,
      6,
      (i, j) => symmetricRandom(6)(i, j) * 10 ** (150 - 62 * Math.max(i, j)),
      "symmetric",
      true,
    ),
    matrix("denormals", 10, 10, (i, j) => symmetricRandom(10)(i, j) * 2 ** -1040, "symmetric", true),
    matrix("denormals definite", 10, 10, (i, j) => dominant(10)(i, j) * 2 ** -1040, "definite", true),
    matrix("last denormals", 5, 5, (i, j) => (i === j ? 2 ** -1070 : 2 ** -1074), "definite", true),
    matrix("30-fold cluster", 40, 40, spectrum(range(40, (i) => (i < 30 ? 1 : i))), "definite"),
    matrix("1e-12-spaced cluster", 40, 40, spectrum(range(40, (i) => 1 + i * 1e-12)), "definite"),
    matrix("two clusters", 33, 33, spectrum(range(33, (i) => (i % 2 ? 1 : -1) * (1 + (i >> 1) * 1e-15))), "symmetric"),
    matrix("Jordan 12", 12, 12, jordan(0.5)),
    matrix("Jordan 6 nilpotent", 6, 6, jordan(0)),
    matrix("Grcar 30", 30, 30, grcar),
    matrix("Frank 12", 12, 12, frank(12)),
    matrix("permutation", 30, 30, (i, j) => (j === (i * 7 + 3) % 30 ? 1 : 0)),
    matrix("cyclic shift", 12, 12, (i, j) => (j === (i + 1) % 12 ? 1 : 0)),
    matrix("upper triangular", 25, 25, (i, j) => (j < i ? 0 : random(25, 25)(i, j))),
    matrix("lower triangular", 25, 25, (i, j) => (j > i ? 0 : random(25, 25)(i, j))),
    matrix("tridiagonal −1 2 −1", 50, 50, (i, j) => (i === j ? 2 : Math.abs(i - j) === 1 ? -1 : 0), "definite"),
    matrix("Toeplitz 0.5^|i−j|", 40, 40, (i, j) => 0.5 ** Math.abs(i - j), "definite"),
    matrix("arrow", 25, 25, (i, j) => (i === j ? i + 1 : i === 0 || j === 0 ? 1 : 0), "symmetric"),
    matrix("random 3", 3, 3, random(3, 3)),
    matrix("random 8", 8, 8, symmetricRandom(8), "symmetric"),
    matrix("random 9", 9, 9, symmetricRandom(9), "symmetric"),
    matrix("random 100", 100, 100, random(100, 100)),
    matrix("random 100, symmetric", 100, 100, symmetricRandom(100), "symmetric"),
    matrix("random 100, definite", 100, 100, dominant(100), "definite"),
    matrix("200×10", 200, 10, random(200, 10)),
    matrix("10×200", 10, 200, random(10, 200)),
    matrix("60×45", 60, 45, random(60, 45)),
    matrix("45×60", 45, 60, random(45, 60)),
    matrix("orthonormal columns, twice", 40, 20, (i, j) => (i === j || i === j + 20 ? Math.SQRT1_2 : 0)),
  ];
}

/** 500×500: one of each kind. Float64 is enough: a minute of loops in float32 would show nothing new. */
export function largeMatrices(): TestMatrix[] {
  return [
    matrix("random 500", 500, 500, random(500, 500), "general", true),
    matrix("random 500, symmetric", 500, 500, symmetricRandom(500), "symmetric", true),
    matrix("random 500, definite", 500, 500, dominant(500), "definite", true),
  ];
}
