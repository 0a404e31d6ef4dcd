/** Matrix products, triangular systems and batches of LU and QR factorisations by cuBLAS. */

import { CudaError } from "../errors.js";
import { bindAll, checked, type NativeArgument } from "../koffi-bind.js";
import { locate, thisHost, type Host, type LocatedLibrary } from "../locate.js";
import type { NumberType } from "./cublaslt.js";

const pointer = "void *";
const int = "int";
const long = "int64_t";

type CublasFunction =
  | "cublasCreate_v2"
  | "cublasDestroy_v2"
  | "cublasGetVersion_v2"
  | "cublasSetStream_v2"
  | "cublasSetWorkspace_v2"
  | "cublasSetMathMode"
  | "cublasGemmStridedBatchedEx"
  | `cublas${"S" | "D"}${"trsm_v2" | "trsmBatched" | "getrfBatched" | "geqrfBatched"}`;

const trsm = [pointer, int, int, int, int, int, int, pointer, pointer, int, pointer, int];
const getrfBatched = [pointer, int, pointer, int, pointer, pointer, int];
const geqrfBatched = [pointer, int, int, pointer, int, pointer, pointer, int];

/** Every function of the library that is called, with the types of its arguments. */
export const cublasSignatures: Readonly<Record<CublasFunction, readonly string[]>> = {
  cublasCreate_v2: [pointer],
  cublasDestroy_v2: [pointer],
  cublasGetVersion_v2: [pointer, pointer],
  cublasSetStream_v2: [pointer, pointer],
  cublasSetWorkspace_v2: [pointer, pointer, long],
  cublasSetMathMode: [pointer, int],
  cublasGemmStridedBatchedEx: [
    pointer, int, int, int, int, int, pointer,
    pointer, int, int, long, pointer, int, int, long, pointer,
    pointer, int, int, long, int, int, int,
  ],
  // side, uplo, trans, diag, m, n, alpha, A, lda, B, ldb
  cublasStrsm_v2: trsm,
  cublasDtrsm_v2: trsm,
  cublasStrsmBatched: [...trsm, int],
  cublasDtrsmBatched: [...trsm, int],
  // n, A, lda, pivots, infos, batch
  cublasSgetrfBatched: getrfBatched,
  cublasDgetrfBatched: getrfBatched,
  // m, n, A, lda, taus, info (one, on the host), batch
  cublasSgeqrfBatched: geqrfBatched,
  cublasDgeqrfBatched: geqrfBatched,
}; // prettier-ignore

/** A matrix as it lies in memory. */
export interface StoredMatrix {
  readonly address: bigint;
  readonly transposed: boolean;
  /** Elements from one stored row to the next. */
  readonly leading: number;
  /** Elements from one matrix of a batch to the next. */
  readonly step: number;
}

export interface Cublas {
  readonly path: string;
  readonly version: number;
  /**
   * C[i] = op(A[i]) op(B[i]) for row-major matrices. What is row-major here is column-major and transposed there, so the library is asked
   * for Cᵀ = op(B)ᵀ op(A)ᵀ.
   */
  multiply(
    dtype: "float32" | "float64",
    size: { readonly m: number; readonly n: number; readonly k: number; readonly batch: number },
    a: StoredMatrix,
    b: StoredMatrix,
    c: bigint,
  ): void;
  /**
   * X op(A) = B in place of B, for column-major A of [n, n] and B of [m, n]. With `count`, `a` and `b` are addresses of the addresses of
   * as many matrices.
   */
  solveFromRight(type: "float32" | "float64", triangle: TriangleOptions, m: number, n: number, a: bigint, b: bigint, count?: number): void; // prettier-ignore
  /** P A = L U in place for matrices of [n, n] whose addresses stand at `pointers`; n pivots and an info for each. */
  luBatched(type: "float32" | "float64", n: number, pointers: bigint, pivots: bigint, infos: bigint, count: number): void; // prettier-ignore
  /** Householder's QR in place of column-major matrices [m, n] whose addresses stand at `pointers`; factors where `taus` says. */
  qrBatched(type: "float32" | "float64", m: number, n: number, pointers: bigint, taus: bigint, count: number): void;
  /** How numbers are stored and computed, as cuBLASLt wants to know, too. */
  readonly numbers: Readonly<Record<"float32" | "float64", NumberType>>;
  /** cuBLASLt, which cuBLAS needs; null if only the loader knows where it is. */
  readonly lt: LocatedLibrary | null;
  /**
   * Gives the library memory of ours before its first work: what it took for itself while a graph is recorded would belong to that graph.
   * It stays until this is closed, for all graphs use it, one after another. Null: the library sees to itself.
   */
  workspace: (() => { readonly address: bigint; readonly bytes: number }) | null;
  /** What is called first when this is closed. */
  readonly beforeClose: (() => void)[];
  close(): void;
}

export interface TriangleOptions {
  readonly upper: boolean;
  readonly transpose: boolean;
  /** The diagonal counts as ones. */
  readonly unit: boolean;
}

/**
 * How float32 products are computed: `"highest"` is float32 throughout; `"tf32"` and `"bf16"` round the operands to 10 and 7 bits of
 * mantissa and add in float32; `"bf16x9"` splits each operand into three bfloat16 numbers (cuBLAS ≥ 12.9, from Blackwell on), which is as
 * accurate as float32.
 */
export type MatmulPrecision = "highest" | "tf32" | "bf16" | "bf16x9";

/** cuBLAS's number of the way in which a float32 product is computed. */
const computeTypes: Readonly<Record<MatmulPrecision, number>> = { highest: 68, tf32: 77, bf16: 75, bf16x9: 78 };

const statuses: Readonly<Record<number, string>> = {
  1: "NOT_INITIALIZED",
  3: "ALLOC_FAILED",
  7: "INVALID_VALUE",
  8: "ARCH_MISMATCH",
  13: "EXECUTION_FAILED",
  14: "INTERNAL_ERROR",
  15: "NOT_SUPPORTED",
};

/**
 * Loads cuBLAS and what it needs, in the order in which they need each other, and opens it on a stream.
 *
 * @throws CudaError if it is not there, or its parts come from different toolkits.
 */
export function openCublas(stream: bigint, precision: MatmulPrecision, host: Host = thisHost()): Cublas {
  const lt = optionally("cublasLt", host);
  const { path, handle } = locate("cublas", host);
  if (lt !== null && majorOf(lt.path) !== majorOf(path)) {
    throw new CudaError(
      `cuda: ${lt.path} and ${path} belong to different toolkits; name one folder in CURV_CUDA_LIB_DIR.`,
    );
  }
  const call = checked(bindAll(handle, path, cublasSignatures), (name, result) => {
    const resultName = `CUBLAS_STATUS_${statuses[result] ?? "unknown"}`;
    return new CudaError(`cuda: ${name} returned ${result} (${resultName}).`, { call: name, result, resultName });
  });
  const out = new BigUint64Array(1);
  call.cublasCreate_v2(out);
  const library = out[0];
  call.cublasSetStream_v2(library, stream);
  // No TF32 where it is not asked for: products name their precision, triangular systems are always solved in full.
  call.cublasSetMathMode(library, 0);
  const version = new Int32Array(1);
  call.cublasGetVersion_v2(library, version);
  const types = {
    float32: { data: 0, compute: computeTypes[precision], one: Float32Array.of(1), zero: Float32Array.of(0) },
    float64: { data: 1, compute: 70, one: Float64Array.of(1), zero: Float64Array.of(0) },
  };
  let ready = false;
  const prepare = (): void => {
    if (ready) return;
    ready = true;
    if (cublas.workspace === null) return;
    const { address, bytes } = cublas.workspace();
    call.cublasSetWorkspace_v2(library, address, bytes);
  };
  const letter = (type: "float32" | "float64"): "S" | "D" => (type === "float32" ? "S" : "D");
  const cublas: Cublas = {
    path,
    version: version[0],
    multiply: (dtype, { m, n, k, batch }, a, b, c) => {
      prepare();
      const { data, compute, one, zero } = types[dtype];
      const side = ({ address, leading, step }: StoredMatrix): NativeArgument[] => [address, data, leading, step];
      // prettier-ignore
      call.cublasGemmStridedBatchedEx(
        library, b.transposed ? 1 : 0, a.transposed ? 1 : 0, n, m, k, one,
        ...side(b), ...side(a), zero, c, data, n, m * n, batch, compute, -1,
      );
    },
    solveFromRight: (type, { upper, transpose, unit }, m, n, a, b, count) => {
      prepare();
      const right = 1;
      const flags = [right, upper ? 1 : 0, transpose ? 1 : 0, unit ? 1 : 0];
      const args = [library, ...flags, m, n, types[type].one, a, n, b, m];
      if (count === undefined) call[`cublas${letter(type)}trsm_v2`](...args);
      else call[`cublas${letter(type)}trsmBatched`](...args, count);
    },
    luBatched: (type, n, pointers, pivots, infos, count) => {
      prepare();
      call[`cublas${letter(type)}getrfBatched`](library, n, pointers, n, pivots, infos, count);
    },
    qrBatched: (type, m, n, pointers, taus, count) => {
      prepare();
      call[`cublas${letter(type)}geqrfBatched`](library, m, n, pointers, m, taus, new Int32Array(1), count);
    },
    numbers: types,
    lt,
    workspace: null,
    beforeClose: [],
    close: () => {
      for (const first of cublas.beforeClose) first();
      opened.delete(stream);
      call.cublasDestroy_v2(library);
    },
  };
  opened.set(stream, cublas);
  return cublas;
}

const opened = new Map<bigint, Cublas>();

/** What was opened on a stream and is not closed; null if nothing was. */
export function cublasOf(stream: bigint): Cublas | null {
  return opened.get(stream) ?? null;
}

function optionally(name: "cublasLt", host: Host): LocatedLibrary | null {
  try {
    return locate(name, host);
  } catch {
    // It is found beside cuBLAS, or cuBLAS is not found either and says so.
    return null;
  }
}

/** The number in a library's name: 13 of libcublas.so.13. */
export function majorOf(path: string): number | null {
  const found = /(?:\.so\.|64_)(\d+)/.exec(path);
  return found === null ? null : Number(found[1]);
}
