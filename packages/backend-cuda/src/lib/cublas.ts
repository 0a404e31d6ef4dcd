/** Matrix products by cuBLAS. */

import { CudaError } from "../errors.js";
import { bindAll, checked, type NativeArgument } from "../koffi-bind.js";
import { locate, thisHost, type Host, type LocatedLibrary } from "../locate.js";

const pointer = "void *";
const int = "int";
const long = "int64_t";

type CublasFunction =
  | "cublasCreate_v2"
  | "cublasDestroy_v2"
  | "cublasGetVersion_v2"
  | "cublasSetStream_v2"
  | "cublasSetMathMode"
  | "cublasGemmStridedBatchedEx";

const signatures: Readonly<Record<CublasFunction, readonly string[]>> = {
  cublasCreate_v2: [pointer],
  cublasDestroy_v2: [pointer],
  cublasGetVersion_v2: [pointer, pointer],
  cublasSetStream_v2: [pointer, pointer],
  cublasSetMathMode: [pointer, int],
  cublasGemmStridedBatchedEx: [
    pointer, int, int, int, int, int, pointer,
    pointer, int, int, long, pointer, int, int, long, pointer,
    pointer, int, int, long, int, int, int,
  ],
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
  close(): void;
}

/** How float32 products are computed. `"highest"` is float32 throughout; `"tf32"` rounds operands to 10 bits of mantissa. */
export type MatmulPrecision = "highest" | "tf32";

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
  const call = checked(bindAll(handle, path, signatures), (name, result) => {
    const resultName = `CUBLAS_STATUS_${statuses[result] ?? "unknown"}`;
    return new CudaError(`cuda: ${name} returned ${result} (${resultName}).`, { call: name, result, resultName });
  });
  const out = new BigUint64Array(1);
  call.cublasCreate_v2(out);
  const library = out[0];
  call.cublasSetStream_v2(library, stream);
  const [defaultMath, tf32Math] = [0, 3];
  call.cublasSetMathMode(library, precision === "tf32" ? tf32Math : defaultMath);
  const version = new Int32Array(1);
  call.cublasGetVersion_v2(library, version);
  const types = {
    float32: { data: 0, compute: precision === "tf32" ? 77 : 68, one: Float32Array.of(1), zero: Float32Array.of(0) },
    float64: { data: 1, compute: 70, one: Float64Array.of(1), zero: Float64Array.of(0) },
  };
  return {
    path,
    version: version[0],
    multiply: (dtype, { m, n, k, batch }, a, b, c) => {
      const { data, compute, one, zero } = types[dtype];
      const side = ({ address, leading, step }: StoredMatrix): NativeArgument[] => [address, data, leading, step];
      // prettier-ignore
      call.cublasGemmStridedBatchedEx(
        library, b.transposed ? 1 : 0, a.transposed ? 1 : 0, n, m, k, one,
        ...side(b), ...side(a), zero, c, data, n, m * n, batch, compute, -1,
      );
    },
    close: () => call.cublasDestroy_v2(library),
  };
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
