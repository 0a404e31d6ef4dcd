/** Factorisations by cuSOLVER. Matrices here are column-major: element (i, j) of A lies at i + j·(rows of A). */

import { CudaError } from "../errors.js";
import { bindAll, checked, hasFunction, type NativeArgument, type NativeFunction } from "../koffi-bind.js";
import { locate, thisHost, type Host, type LibraryName } from "../locate.js";
import { majorOf } from "./cublas.js";

const pointer = "void *";
const int = "int";
const char = "int8_t";
const long = "int64_t";

type Letter = "S" | "D";
type Typed =
  | "potrf_bufferSize"
  | "potrf"
  | "potrfBatched"
  | "getrf_bufferSize"
  | "getrf"
  | "geqrf_bufferSize"
  | "geqrf"
  | "orgqr_bufferSize"
  | "orgqr"
  | "syevd_bufferSize"
  | "syevd"
  | "syevjBatched_bufferSize"
  | "syevjBatched"
  | "gesvd_bufferSize"
  | "gesvd"
  | "gesvdj_bufferSize"
  | "gesvdj"
  | "gesvdjBatched_bufferSize"
  | "gesvdjBatched";
type CusolverFunction =
  | `cusolverDn${Letter}${Typed}`
  | "cusolverDnCreate"
  | "cusolverDnDestroy"
  | "cusolverDnSetStream"
  | "cusolverDnCreateSyevjInfo"
  | "cusolverDnDestroySyevjInfo"
  | "cusolverDnCreateGesvdjInfo"
  | "cusolverDnDestroyGesvdjInfo"
  | "cusolverDnXgesvdjSetTolerance"
  | "cusolverDnXgesvdjSetMaxSweeps"
  | "cusolverDnCreateParams"
  | "cusolverDnDestroyParams"
  | "cusolverDnXsyevBatched_bufferSize"
  | "cusolverDnXsyevBatched"
  | "cusolverGetVersion";

const symmetric = [pointer, pointer, int, int, long, int, pointer, long, int, pointer, int];
const [handle, matrix, work, info] = [pointer, [pointer, int], [pointer, int], pointer];

const typed: Readonly<Record<Typed, readonly string[]>> = {
  // uplo, n, A, lda, …
  potrf_bufferSize: [handle, int, int, ...matrix, pointer],
  potrf: [handle, int, int, ...matrix, ...work, info],
  potrfBatched: [handle, int, int, ...matrix, info, int],
  // m, n, A, lda, …
  getrf_bufferSize: [handle, int, int, ...matrix, pointer],
  getrf: [handle, int, int, ...matrix, pointer, pointer, info],
  geqrf_bufferSize: [handle, int, int, ...matrix, pointer],
  geqrf: [handle, int, int, ...matrix, pointer, ...work, info],
  // m, n, k, A, lda, tau, …
  orgqr_bufferSize: [handle, int, int, int, ...matrix, pointer, pointer],
  orgqr: [handle, int, int, int, ...matrix, pointer, ...work, info],
  // jobz, uplo, n, A, lda, W, …
  syevd_bufferSize: [handle, int, int, int, ...matrix, pointer, pointer],
  syevd: [handle, int, int, int, ...matrix, pointer, ...work, info],
  syevjBatched_bufferSize: [handle, int, int, int, ...matrix, pointer, pointer, pointer, int],
  syevjBatched: [handle, int, int, int, ...matrix, pointer, ...work, info, pointer, int],
  // (jobu, jobvt,) m, n, A, lda, S, U, ldu, VT, ldvt, …
  gesvd_bufferSize: [handle, int, int, pointer],
  gesvd: [handle, char, char, int, int, ...matrix, pointer, ...matrix, ...matrix, ...work, pointer, info],
  // jobz, econ, m, n, A, lda, S, U, ldu, V, ldv, …
  gesvdj_bufferSize: [handle, int, int, int, int, ...matrix, pointer, ...matrix, ...matrix, pointer, pointer],
  gesvdj: [handle, int, int, int, int, ...matrix, pointer, ...matrix, ...matrix, ...work, info, pointer],
  // jobz, m, n, A, lda, S, U, ldu, V, ldv, …
  gesvdjBatched_bufferSize: [handle, int, int, int, ...matrix, pointer, ...matrix, ...matrix, pointer, pointer, int],
  gesvdjBatched: [handle, int, int, int, ...matrix, pointer, ...matrix, ...matrix, ...work, info, pointer, int],
};

/** Every function of the library that is called, with the types of its arguments. */
export const cusolverSignatures: Readonly<Record<CusolverFunction, readonly string[]>> = /* @__PURE__ */ (() => {
  const both = (["S", "D"] as const).flatMap((letter) =>
    Object.entries(typed).map(([name, types]) => [`cusolverDn${letter}${name}`, types] as const),
  );
  return {
    ...(Object.fromEntries(both) as Record<`cusolverDn${Letter}${Typed}`, readonly string[]>),
    cusolverDnCreate: [pointer],
    cusolverDnDestroy: [pointer],
    cusolverDnSetStream: [pointer, pointer],
    cusolverDnCreateSyevjInfo: [pointer],
    cusolverDnDestroySyevjInfo: [pointer],
    cusolverDnCreateGesvdjInfo: [pointer],
    cusolverDnDestroyGesvdjInfo: [pointer],
    cusolverDnXgesvdjSetTolerance: [pointer, "double"],
    cusolverDnXgesvdjSetMaxSweeps: [pointer, int],
    cusolverDnCreateParams: [pointer],
    cusolverDnDestroyParams: [pointer],
    // handle, params, jobz, uplo, n, type of A, A, lda, type of W, W, computed in, …
    cusolverDnXsyevBatched_bufferSize: [...symmetric, pointer, pointer, long],
    cusolverDnXsyevBatched: [...symmetric, pointer, long, pointer, long, pointer, long],
    cusolverGetVersion: [pointer],
  };
})();

const statuses: Readonly<Record<number, string>> = {
  1: "NOT_INITIALIZED",
  2: "ALLOC_FAILED",
  3: "INVALID_VALUE",
  4: "ARCH_MISMATCH",
  5: "MAPPING_ERROR",
  6: "EXECUTION_FAILED",
  7: "INTERNAL_ERROR",
  8: "MATRIX_TYPE_NOT_SUPPORTED",
  9: "NOT_SUPPORTED",
  10: "ZERO_PIVOT",
};

export type FloatType = "float32" | "float64";

/** Which triangle of a symmetric matrix counts. */
export type Triangle = "lower" | "upper";

/** Addresses are of device memory; `info` is where an int32 goes, 0 if all went well. */
export interface Cusolver {
  readonly path: string;
  readonly version: number;
  /** A = L Lᵀ or Uᵀ U in place of that triangle. info: 1 + the first pivot that is not positive. */
  cholesky(type: FloatType, triangle: Triangle, n: number, a: bigint, info: bigint): void;
  /** The same for `count` matrices, whose addresses stand at `pointers`, and as many `infos`. */
  choleskyBatched(type: FloatType, triangle: Triangle, n: number, pointers: bigint, infos: bigint, count: number): void;
  /** P A = L U in place, A of [m, n]. pivots: min(m, n) rows, counted from 1, that were swapped with rows 1, 2, …. */
  lu(type: FloatType, m: number, n: number, a: bigint, pivots: bigint, info: bigint): void;
  /** Householder's QR of A of [m, n] in place: R above, reflectors below, their factors in tau [min(m, n)]. */
  qr(type: FloatType, m: number, n: number, a: bigint, tau: bigint, info: bigint): void;
  /** The first `columns` columns of the product of `k` reflectors, in place of them. */
  formQ(type: FloatType, m: number, columns: number, k: number, a: bigint, tau: bigint, info: bigint): void;
  /** Ascending eigenvalues; eigenvectors, if wanted, as columns in place of A. info: how many did not converge. Waits for the card. */
  eigh(type: FloatType, triangle: Triangle, vectors: boolean, n: number, a: bigint, w: bigint, info: bigint): void;
  /** The same by Jacobi rotations for `count` matrices, one after the other in memory: fast for n ≤ 32. */
  eighBatched(type: FloatType, triangle: Triangle, vectors: boolean, n: number, a: bigint, w: bigint, infos: bigint, count: number): void; // prettier-ignore
  /**
   * The same by the library's method for batches of any order, which came with CUDA 12.6: as many at once as have work space in 256 MiB.
   *
   * @returns Whether the library has it; if not, nothing was done.
   */
  eighTogether(type: FloatType, triangle: Triangle, vectors: boolean, n: number, a: bigint, w: bigint, infos: bigint, count: number): boolean; // prettier-ignore
  /**
   * A = U diag(s) Vᵀ for m ≥ n; A is destroyed. U [m, n] and Vᵀ [n, n], or U [m, m] if `full`; addresses 0 if only s is wanted. Waits for
   * the card.
   */
  svd(type: FloatType, m: number, n: number, a: bigint, s: bigint, u: bigint, vt: bigint, full: boolean, info: bigint): void; // prettier-ignore
  /** The same by Jacobi rotations until nothing changes, with V instead of Vᵀ. */
  svdJacobi(type: FloatType, m: number, n: number, a: bigint, s: bigint, u: bigint, v: bigint, full: boolean, info: bigint): void; // prettier-ignore
  /**
   * The same by Jacobi rotations for `count` matrices with m, n ≤ 32, one after the other in memory: U is [m, m] in any case, and V stands in
   * the place of Vᵀ.
   */
  svdBatched(type: FloatType, m: number, n: number, a: bigint, s: bigint, u: bigint, v: bigint, infos: bigint, count: number): void; // prettier-ignore
  close(): void;
}

/** The library refuses batches that are larger than a grid of the card. */
const mostTogether = 32768;
const mostSpace = 2 ** 28;

/** Libraries that cuSOLVER needs and would look for by name only: they are loaded before it, from where it lies. */
const needed: readonly LibraryName[] = ["nvJitLink", "cublasLt", "cublas", "cusparse"];

/** Loads cuSOLVER after what it needs. @throws CudaError with every attempt and a remedy if there is none. */
export function loadCusolver(host: Host = thisHost()): ReturnType<typeof locate> {
  const before = needed.map((name) => {
    try {
      return locate(name, host);
    } catch {
      // The loader may still find it; if it does not, cuSOLVER's own failure says so.
      return null;
    }
  });
  const found = locate("cusolver", host);
  const blas = before.find((library) => library?.name === "cublas");
  // cuSOLVER 11 belongs to CUDA 11 and 12, 12 to CUDA 13.
  const [own, other] = [majorOf(found.path), majorOf(blas?.path ?? "")];
  if (own !== null && other !== null && own >= 12 !== other >= 13) {
    throw new CudaError(
      `cuda: ${blas!.path} and ${found.path} belong to different toolkits; name one folder in CURV_CUDA_LIB_DIR.`,
    );
  }
  return found;
}

/**
 * Opens cuSOLVER on a stream.
 *
 * @param workspace - Device memory of at least so many bytes, which the next call may use again: all work is on one stream.
 * @throws CudaError if it is not there.
 */
export function openCusolver(stream: bigint, workspace: (bytes: number) => bigint, host?: Host): Cusolver {
  const { path, handle: library } = loadCusolver(host);
  const bound: Record<CusolverFunction, NativeFunction> = bindAll(library, path, cusolverSignatures);
  const call = checked(bound, (name, result) => {
    const resultName = `CUSOLVER_STATUS_${statuses[result] ?? "unknown"}`;
    return new CudaError(`cuda: ${name} returned ${result} (${resultName}).`, { call: name, result, resultName });
  });
  const made = (create: (out: BigUint64Array) => void): bigint => {
    const out = new BigUint64Array(1);
    create(out);
    return out[0];
  };
  const solver = made((out) => call.cusolverDnCreate(out));
  call.cusolverDnSetStream(solver, stream);
  const version = new Int32Array(1);
  call.cusolverGetVersion(version);
  const rotations = made((out) => call.cusolverDnCreateSyevjInfo(out));
  const svdRotations = made((out) => call.cusolverDnCreateGesvdjInfo(out));
  call.cusolverDnXgesvdjSetMaxSweeps(svdRotations, 100);
  const parameters = hasFunction(library, "cusolverDnXsyevBatched")
    ? made((out) => call.cusolverDnCreateParams(out))
    : null;
  /** Work space on the host that the library may still read when a call has returned. */
  let hostSpace = new Uint8Array(new ArrayBuffer(64));
  const ends: Readonly<Record<Triangle, number>> = { lower: 0, upper: 1 };
  const letter = (type: FloatType): Letter => (type === "float32" ? "S" : "D");
  const bytes = (type: FloatType): number => (type === "float32" ? 4 : 8);
  /** Asks a function how many elements of work space it wants, and gives it that many. */
  const withWork = (
    type: FloatType,
    name: Typed,
    query: readonly NativeArgument[],
    run: (space: bigint, size: number) => readonly NativeArgument[],
    after: readonly NativeArgument[] = [],
  ): void => {
    const size = new Int32Array(1);
    call[`cusolverDn${letter(type)}${name}_bufferSize` as CusolverFunction](solver, ...query, size, ...after);
    call[`cusolverDn${letter(type)}${name}`](solver, ...run(workspace(size[0] * bytes(type)), size[0]));
  };
  const untilNothingChanges = (type: FloatType): void =>
    call.cusolverDnXgesvdjSetTolerance(svdRotations, type === "float32" ? 2 ** -23 : 2 ** -52);
  return {
    path,
    version: version[0],
    cholesky: (type, triangle, n, a, status) => {
      const shape = [ends[triangle], n, a, n];
      withWork(type, "potrf", shape, (space, size) => [...shape, space, size, status]);
    },
    choleskyBatched: (type, triangle, n, pointers, infos, count) => {
      call[`cusolverDn${letter(type)}potrfBatched`](solver, ends[triangle], n, pointers, n, infos, count);
    },
    lu: (type, m, n, a, pivots, status) => {
      const shape = [m, n, a, m];
      withWork(type, "getrf", shape, (space) => [...shape, space, pivots, status]);
    },
    qr: (type, m, n, a, tau, status) => {
      const shape = [m, n, a, m];
      withWork(type, "geqrf", shape, (space, size) => [...shape, tau, space, size, status]);
    },
    formQ: (type, m, columns, k, a, tau, status) => {
      const shape = [m, columns, k, a, m, tau];
      withWork(type, "orgqr", shape, (space, size) => [...shape, space, size, status]);
    },
    eigh: (type, triangle, vectors, n, a, w, status) => {
      const shape = [vectors ? 1 : 0, ends[triangle], n, a, n, w];
      withWork(type, "syevd", shape, (space, size) => [...shape, space, size, status]);
    },
    eighBatched: (type, triangle, vectors, n, a, w, infos, count) => {
      const shape = [vectors ? 1 : 0, ends[triangle], n, a, n, w];
      const last = [rotations, count];
      withWork(type, "syevjBatched", shape, (space, size) => [...shape, space, size, infos, ...last], last);
    },
    eighTogether: (type, triangle, vectors, n, a, w, infos, count) => {
      if (parameters === null) return false;
      const number = type === "float32" ? 0 : 1;
      const [onDevice, onHost] = [new BigUint64Array(1), new BigUint64Array(1)];
      const part = (from: number): NativeArgument[] => {
        const [own, values] = [a, w].map((x, k) => x + BigInt(from * n * (k === 0 ? n : 1) * bytes(type)));
        return [solver, parameters, vectors ? 1 : 0, ends[triangle], n, number, own, n, number, values, number];
      };
      const ask = (from: number, many: number): number => {
        call.cusolverDnXsyevBatched_bufferSize(...part(from), onDevice, onHost, many);
        return Number(onDevice[0]);
      };
      let most = Math.min(count, mostTogether);
      while (most > 1 && ask(0, most) > mostSpace) most = Math.ceil(most / 2);
      for (let from = 0; from < count; from += most) {
        const many = Math.min(most, count - from);
        const size = ask(from, many);
        const room = Number(onHost[0]);
        if (hostSpace.length < room) hostSpace = new Uint8Array(new ArrayBuffer(room));
        const info = infos + BigInt(4 * from);
        call.cusolverDnXsyevBatched(...part(from), workspace(size), size, hostSpace, room, info, many);
      }
      return true;
    },
    svd: (type, m, n, a, s, u, vt, full, status) => {
      const job = (u === 0n ? "N" : full ? "A" : "S").charCodeAt(0);
      withWork(type, "gesvd", [m, n], (space, size) => [job, job, m, n, a, m, s, u, m, vt, n, space, size, null, status]); // prettier-ignore
    },
    svdBatched: (type, m, n, a, s, u, v, infos, count) => {
      untilNothingChanges(type);
      const shape = [u === 0n ? 0 : 1, m, n, a, m, s, u, m, v, n];
      const last = [svdRotations, count];
      withWork(type, "gesvdjBatched", shape, (space, size) => [...shape, space, size, infos, ...last], last);
    },
    svdJacobi: (type, m, n, a, s, u, v, full, status) => {
      untilNothingChanges(type);
      const shape = [u === 0n ? 0 : 1, full ? 0 : 1, m, n, a, m, s, u, m, v, n];
      withWork(type, "gesvdj", shape, (space, size) => [...shape, space, size, status, svdRotations], [svdRotations]);
    },
    close: () => {
      if (parameters !== null) call.cusolverDnDestroyParams(parameters);
      call.cusolverDnDestroySyevjInfo(rotations);
      call.cusolverDnDestroyGesvdjInfo(svdRotations);
      call.cusolverDnDestroy(solver);
    },
  };
}
