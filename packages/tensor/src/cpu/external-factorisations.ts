/** Factorisations by a library from outside, such as a system LAPACK: who offers them. */

/**
 * What a package such as `@curv/backend-blas` gives the CPU backend. All matrices are row-major and float64; none of them has NaN or
 * infinities that the library would not bear, and none is tiny. A function that returns false has failed: its arrays hold anything, and
 * Curv's own kernels do the work from a copy.
 */
export interface ExternalFactorisations {
  /** For `describe`. */
  readonly name: string;
  /** Matrices of fewer entries are factored by Curv before a library has been called. Default 1024. */
  readonly fewestEntries?: number;
  /** A = LLᵀ in the lower triangle of A of [n, n]; the upper one is neither read nor written. False if a pivot is not positive. */
  cholesky(a: Float64Array, n: number): boolean;
  /**
   * PA = LU in place for A of [m, n] with partial pivoting, (PA)[i] = A[permutation[i]].
   *
   * @returns 0, or 1 + the index of the first pivot that is exactly 0.
   */
  lu(a: Float64Array, m: number, n: number, permutation: Int32Array): number;
  /** B ← op(A)⁻¹B for B of [n, columns] and a triangle of A; the other triangle is never read. */
  solveTriangle(
    a: Float64Array,
    n: number,
    b: Float64Array,
    columns: number,
    options: { readonly lower: boolean; readonly transpose: boolean; readonly unit: boolean },
  ): void;
  /**
   * A = QR for A of [m, n]: R overwrites A on and above the diagonal, with any signs (below it anything); Q of [m, columns], columns ≤ m,
   * if asked for.
   */
  qr(a: Float64Array, m: number, n: number, q: Float64Array | null, columns: number): void;
  /** Ascending eigenvalues from the lower triangle of A; `vectors`: eigenvectors, with any signs, as the rows of A. */
  eigh(a: Float64Array, n: number, w: Float64Array, vectors: boolean): boolean;
  /** A = U diag(s) Vᵀ for A of [m, n], which is destroyed; U and Vᵀ, with any signs, are thin, or square if `full`. */
  svd(
    a: Float64Array,
    m: number,
    n: number,
    s: Float64Array,
    u: Float64Array | null,
    vt: Float64Array | null,
    full: boolean,
  ): boolean;
  /**
   * Eigenvalues of A, which is destroyed, conjugate pairs together with Im w > 0 first. Column j of V is the eigenvector of a real
   * eigenvalue; columns j and j + 1 are the real and imaginary parts of that of the first of a pair.
   */
  eig(a: Float64Array, n: number, wr: Float64Array, wi: Float64Array, v: Float64Array | null): boolean;
}

let current: ExternalFactorisations | null = null;

/**
 * Lets `factorisations` do the factorisations of the CPU backend from here on, eager and compiled, of float32 matrices too (in float64, as
 * ever); null goes back to Curv's own. Results then repeat only for the same library, thread count and shape.
 */
export function useExternalFactorisations(factorisations: ExternalFactorisations | null): void {
  current = factorisations;
}

/** Who factors matrices of so many entries now. */
export function externalFactorisations(entries: number): ExternalFactorisations | null {
  return current === null || entries < (current.fewestEntries ?? 1024) ? null : current;
}
