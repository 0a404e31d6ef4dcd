/**
 * Factorisations by LAPACK. It reads matrices by columns, so that a row-major A is its Aᵀ: the lower triangle is its upper one, A = QR is
 * Aᵀ = RᵀQᵀ, and A = USVᵀ is Aᵀ = VSUᵀ. Only LU, whose pivots are rows, has to be turned round.
 */

import type { ExternalFactorisations } from "@curv/tensor";
import type { LoadedLibrary } from "./find-library.js";
import { fortranIntegers, fortranRoutine, type FortranArgument } from "./fortran.js";
import { requireArray } from "./require-array.js";

/** All that is asked of a LAPACK. */
export const lapackRoutines = [
  "dpotrf_",
  "dgetrf_",
  "dtrsm_",
  "dgelqf_",
  "dorglq_",
  "dsyevd_",
  "dgesdd_",
  "dgeev_",
] as const;

/** The factorisations of a library whose integers have so many bits. */
export function libraryFactorisations(library: LoadedLibrary, bits: 32 | 64, name: string): ExternalFactorisations {
  const { one, many } = fortranIntegers(bits);
  const potrf = fortranRoutine(library, "dpotrf_", 1, 4);
  const getrf = fortranRoutine(library, "dgetrf_", 0, 6);
  const trsm = fortranRoutine(library, "dtrsm_", 4, 7);
  const gelqf = fortranRoutine(library, "dgelqf_", 0, 8);
  const orglq = fortranRoutine(library, "dorglq_", 0, 9);
  const syevd = fortranRoutine(library, "dsyevd_", 2, 9);
  const gesdd = fortranRoutine(library, "dgesdd_", 1, 13);
  const geev = fortranRoutine(library, "dgeev_", 2, 12);

  /** Calls a routine twice: for the length of the work space that it wants, and with it. */
  const withWork = (call: (work: Float64Array, length: FortranArgument) => void): void => {
    const wanted = new Float64Array(1);
    call(wanted, one(-1));
    const length = Math.max(1, wanted[0]);
    call(workSpace(length), one(length));
  };
  const succeeded = (info: ArrayLike<number | bigint>): boolean => Number(info[0]) === 0;

  return {
    name,
    cholesky(a, n) {
      requireArray("cholesky", "float64", a, n * n, "a");
      const info = one(0);
      potrf("U", one(n), a, one(n), info);
      return succeeded(info);
    },
    lu(a, m, n, permutation) {
      requireArray("lu", "float64", a, m * n, "a");
      const byColumns = transposed(a, m, n);
      const pivots = many(Math.min(m, n));
      const info = one(0);
      getrf("", one(m), one(n), byColumns, one(m), pivots, info);
      a.set(transposed(byColumns, n, m));
      for (let i = 0; i < m; i++) permutation[i] = i;
      for (let i = 0; i < pivots.length; i++) {
        const j = Number(pivots[i]) - 1;
        [permutation[i], permutation[j]] = [permutation[j], permutation[i]];
      }
      return Number(info[0]);
    },
    solveTriangle(a, n, b, columns, { lower, transpose, unit }) {
      requireArray("solveTriangle", "float64", a, n * n, "a");
      requireArray("solveTriangle", "float64", b, n * columns, "b");
      // Xᵀ op(A)ᵀ = Bᵀ
      const options = `R${lower ? "U" : "L"}${transpose ? "T" : "N"}${unit ? "U" : "N"}`;
      trsm(options, one(columns), one(n), Float64Array.of(1), a, one(n), b, one(columns));
    },
    qr(a, m, n, q, columns) {
      requireArray("qr", "float64", a, m * n, "a");
      const k = Math.min(m, n);
      const tau = new Float64Array(k);
      const info = one(0);
      withWork((work, length) => gelqf("", one(n), one(m), a, one(n), tau, work, length, info));
      if (q === null) return;
      requireArray("qr", "float64", q, m * columns, "q");
      for (let i = 0; i < m; i++) q.set(a.subarray(i * n, i * n + k), i * columns);
      withWork((work, length) => orglq("", one(columns), one(m), one(k), q, one(columns), tau, work, length, info));
    },
    eigh(a, n, w, vectors) {
      requireArray("eigh", "float64", a, n * n, "a");
      requireArray("eigh", "float64", w, n, "w");
      const info = one(0);
      const integers = many(3 + 5 * n);
      withWork((work, length) =>
        syevd(vectors ? "VU" : "NU", one(n), a, one(n), w, work, length, integers, one(integers.length), info),
      );
      return succeeded(info);
    },
    svd(a, m, n, s, u, vt, full) {
      requireArray("svd", "float64", a, m * n, "a");
      const k = Math.min(m, n);
      requireArray("svd", "float64", s, k, "s");
      const [uColumns, vtRows] = full ? [m, n] : [k, k];
      const info = one(0);
      const integers = many(8 * k);
      if (u === null || vt === null) {
        withWork((work, length) =>
          gesdd("N", one(n), one(m), a, one(n), s, null, one(1), null, one(1), work, length, integers, info),
        );
      } else {
        requireArray("svd", "float64", u, m * uColumns, "u");
        requireArray("svd", "float64", vt, vtRows * n, "vt");
        withWork((work, length) =>
          gesdd(
            full ? "A" : "S",
            one(n),
            one(m),
            a,
            one(n),
            s,
            vt,
            one(n),
            u,
            one(uColumns),
            work,
            length,
            integers,
            info,
          ),
        );
      }
      return succeeded(info);
    },
    eig(a, n, wr, wi, v) {
      requireArray("eig", "float64", a, n * n, "a");
      requireArray("eig", "float64", wr, n, "wr");
      requireArray("eig", "float64", wi, n, "wi");
      const info = one(0);
      const left = v === null ? null : new Float64Array(n * n);
      withWork((work, length) =>
        geev(v === null ? "NN" : "VN", one(n), a, one(n), wr, wi, left, one(n), null, one(1), work, length, info),
      );
      if (!succeeded(info)) return false;
      if (v !== null && left !== null) {
        // uᴴAᵀ = λuᴴ says that A has the eigenvector ū.
        for (let j = 0; j < n; j++) if (wi[j] < 0) for (let i = 0; i < n; i++) left[j * n + i] = -left[j * n + i];
        v.set(transposed(left, n, n));
      }
      return true;
    },
  };
}

let lastWorkSpace: WeakRef<Float64Array> | null = null;

/** That of the last call, for as long as it is not collected: fresh pages cost as much as what LAPACK writes there. */
function workSpace(length: number): Float64Array {
  const last = lastWorkSpace?.deref();
  if (last !== undefined && last.length >= length) return last;
  const work = new Float64Array(length);
  lastWorkSpace = new WeakRef(work);
  return work;
}

/** Side of the tiles: two of them fit in the first cache. */
const tile = 32;

/** Aᵀ for A of [rows, columns]. */
function transposed(a: Float64Array, rows: number, columns: number): Float64Array {
  const out = new Float64Array(rows * columns);
  for (let i0 = 0; i0 < rows; i0 += tile) {
    const i1 = Math.min(i0 + tile, rows);
    for (let j0 = 0; j0 < columns; j0 += tile) {
      const j1 = Math.min(j0 + tile, columns);
      for (let i = i0; i < i1; i++) for (let j = j0; j < j1; j++) out[j * rows + i] = a[i * columns + j];
    }
  }
  return out;
}
