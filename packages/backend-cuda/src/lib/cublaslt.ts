/**
 * Matrix products with a bias and a rectifier at their end, C = max(op(A) op(B) + 1 biasᵀ, 0), by cuBLASLt: what would be a kernel of its own
 * costs no memory traffic there. A product is described once (layouts, epilogue), the library names the way in which it would compute it, and
 * from then on it is one call.
 *
 * What is row-major here is column-major and transposed there: Cᵀ = op(B)ᵀ op(A)ᵀ, where the bias runs down the rows of Cᵀ, as the library
 * wants it.
 */

import { CudaError } from "../errors.js";
import { bindAll, checked, type NativeArgument, type NativeFunction } from "../koffi-bind.js";
import type { LocatedLibrary } from "../locate.js";

const pointer = "void *";
const int = "int";
const long = "int64_t";

type CublasLtFunction =
  | "cublasLtCreate"
  | "cublasLtDestroy"
  | "cublasLtMatmulDescCreate"
  | "cublasLtMatmulDescDestroy"
  | "cublasLtMatmulDescSetAttribute"
  | "cublasLtMatrixLayoutCreate"
  | "cublasLtMatrixLayoutDestroy"
  | "cublasLtMatmulPreferenceCreate"
  | "cublasLtMatmulPreferenceDestroy"
  | "cublasLtMatmulPreferenceSetAttribute"
  | "cublasLtMatmulAlgoGetHeuristic"
  | "cublasLtMatmul";

const setAttribute = [pointer, int, pointer, long];

/** Every function of the library that is called, with the types of its arguments. */
export const cublasLtSignatures: Readonly<Record<CublasLtFunction, readonly string[]>> = {
  cublasLtCreate: [pointer],
  cublasLtDestroy: [pointer],
  // out, compute type, scale type
  cublasLtMatmulDescCreate: [pointer, int, int],
  cublasLtMatmulDescDestroy: [pointer],
  cublasLtMatmulDescSetAttribute: setAttribute,
  // out, data type, rows, columns, leading dimension
  cublasLtMatrixLayoutCreate: [pointer, int, long, long, long],
  cublasLtMatrixLayoutDestroy: [pointer],
  cublasLtMatmulPreferenceCreate: [pointer],
  cublasLtMatmulPreferenceDestroy: [pointer],
  cublasLtMatmulPreferenceSetAttribute: setAttribute,
  // handle, description, layouts of A, B, C, D, preference, wanted, results, found
  cublasLtMatmulAlgoGetHeuristic: [pointer, pointer, pointer, pointer, pointer, pointer, pointer, int, pointer, pointer],
  // handle, description, alpha, A, layout, B, layout, beta, C, layout, D, layout, algorithm, work space, its bytes, stream
  cublasLtMatmul: [
    pointer, pointer, pointer, pointer, pointer, pointer, pointer, pointer,
    pointer, pointer, pointer, pointer, pointer, pointer, long, pointer,
  ],
}; // prettier-ignore

/** Numbers of `cublasLt.h`. */
export const descriptionAttribute = { transA: 3, transB: 4, epilogue: 7, biasPointer: 8 } as const;
export const epilogue = { bias: 4, reluBias: 6 } as const;
export const preferenceAttribute = { workspaceBytes: 1, alignment: { a: 5, b: 6 } } as const;
/** `cublasLtMatmulHeuristicResult_t`: the algorithm in the first 64 bytes, then the bytes of work space that it wants, and a status. */
const result = { bytes: 96, workspaceBytes: 64, status: 72 } as const;

/** A row-major matrix as it lies in memory. */
export interface Layout {
  readonly transposed: boolean;
  /** Elements from one stored row to the next. */
  readonly leading: number;
  /** A number of bytes that its address is a multiple of. */
  readonly alignment: number;
}

/** C[m, n] = op(A)[m, k] op(B)[k, n] + bias[n] for each row, all row-major; with `relu`, what is negative becomes 0. */
export interface BiasedProduct {
  readonly dtype: "float32" | "float64";
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly a: Layout;
  readonly b: Layout;
  readonly bias: { readonly alignment: number };
  readonly relu: boolean;
}

/** A product that is ready to be put on the stream. Addresses are of device memory. */
export type PreparedProduct = (a: bigint, b: bigint, bias: bigint, c: bigint) => void;

/** How numbers are stored and computed: cuBLAS's numbers, and 1 and 0 of the type in which sums are scaled. */
export interface NumberType {
  readonly data: number;
  readonly compute: number;
  readonly one: ArrayBufferView;
  readonly zero: ArrayBufferView;
}

type Call = Record<CublasLtFunction, (...args: NativeArgument[]) => void>;

/** The functions of the library, each throwing what it refuses. None but those with a handle wants a card. */
export function bindCublasLt({ handle, path }: LocatedLibrary): {
  call: Call;
  bound: Record<CublasLtFunction, NativeFunction>;
} {
  const bound = bindAll(handle, path, cublasLtSignatures);
  const call = checked(bound, (name, status) => {
    return new CudaError(`cuda: ${name} returned ${status}.`, { call: name, result: status, resultName: `CUBLAS_STATUS ${status}` }); // prettier-ignore
  });
  return { call, bound };
}

const made = (create: (out: BigUint64Array) => void): bigint => {
  const out = new BigUint64Array(1);
  create(out);
  return out[0];
};

/** Descriptors of a product: for the library its first factor is op(B)ᵀ. */
export interface Description {
  readonly product: bigint;
  readonly layouts: { readonly a: bigint; readonly b: bigint; readonly c: bigint };
}

/** Describes a product to the library. */
export function describeProduct(call: Call, type: NumberType, { m, n, k, a, b, relu }: BiasedProduct): Description {
  const product = made((out) => call.cublasLtMatmulDescCreate(out, type.compute, type.data));
  const set = (attribute: number, value: number): void =>
    call.cublasLtMatmulDescSetAttribute(product, attribute, Int32Array.of(value), 4);
  set(descriptionAttribute.transA, b.transposed ? 1 : 0);
  set(descriptionAttribute.transB, a.transposed ? 1 : 0);
  set(descriptionAttribute.epilogue, relu ? epilogue.reluBias : epilogue.bias);
  // A stored row is a column to the library.
  const layout = (rows: number, columns: number, { transposed, leading }: Omit<Layout, "alignment">): bigint => {
    const [down, across] = transposed ? [rows, columns] : [columns, rows];
    return made((out) => call.cublasLtMatrixLayoutCreate(out, type.data, down, across, leading));
  };
  const layouts = { a: layout(m, k, a), b: layout(k, n, b), c: layout(m, n, { transposed: false, leading: n }) };
  return { product, layouts };
}

export interface CublasLt {
  /** The way in which the library computes a product; null if it has none. */
  prepare(product: BiasedProduct): PreparedProduct | null;
  close(): void;
}

/**
 * Opens cuBLASLt.
 *
 * @param workspace - Device memory of at least so many bytes, which the next call may use again.
 * @param mostWorkspace - No more bytes of it than that.
 */
export function openCublasLt(
  library: LocatedLibrary,
  stream: bigint,
  types: Readonly<Record<BiasedProduct["dtype"], NumberType>>,
  workspace: (bytes: number) => bigint,
  mostWorkspace: number,
): CublasLt {
  const { call, bound } = bindCublasLt(library);
  const handle = made((out) => call.cublasLtCreate(out));
  const known = new Map<string, PreparedProduct | null>();
  const described: Description[] = [];

  /** The library's first choice: its algorithm, and how much work space that wants. Null: it has none. */
  const choose = (
    { product, layouts }: Description,
    { a, b }: BiasedProduct,
  ): { algorithm: Uint8Array; bytes: number } | null => {
    const preference = made((out) => call.cublasLtMatmulPreferenceCreate(out));
    try {
      const set = (attribute: number, value: ArrayBufferView): void =>
        call.cublasLtMatmulPreferenceSetAttribute(preference, attribute, value, value.byteLength);
      set(preferenceAttribute.workspaceBytes, BigUint64Array.of(BigInt(mostWorkspace)));
      set(preferenceAttribute.alignment.a, Uint32Array.of(b.alignment));
      set(preferenceAttribute.alignment.b, Uint32Array.of(a.alignment));
      const results = new DataView(new ArrayBuffer(result.bytes));
      const found = new Int32Array(1);
      const { a: left, b: right, c } = layouts;
      const status = bound.cublasLtMatmulAlgoGetHeuristic(
        handle,
        product,
        right,
        left,
        c,
        c,
        preference,
        1,
        results,
        found,
      );
      if (status !== 0 || found[0] === 0 || results.getInt32(result.status, true) !== 0) return null;
      return {
        algorithm: new Uint8Array(results.buffer, 0, result.workspaceBytes),
        bytes: Number(results.getBigUint64(result.workspaceBytes, true)),
      };
    } finally {
      call.cublasLtMatmulPreferenceDestroy(preference);
    }
  };

  const prepared = (wanted: BiasedProduct): PreparedProduct | null => {
    const type = types[wanted.dtype];
    const description = describeProduct(call, type, wanted);
    described.push(description);
    const { product, layouts } = description;
    const setBias = (address: bigint): void =>
      call.cublasLtMatmulDescSetAttribute(product, descriptionAttribute.biasPointer, BigUint64Array.of(address), 8);
    // The choice depends on how the address is aligned: one that is aligned just so stands for it.
    setBias(BigInt(wanted.bias.alignment));
    const choice = choose(description, wanted);
    if (choice === null) return null;
    const { algorithm, bytes } = choice;
    return (a, b, bias, c) => {
      setBias(bias);
      const space = bytes === 0 ? 0n : workspace(bytes);
      // prettier-ignore
      call.cublasLtMatmul(
        handle, product, type.one, b, layouts.b, a, layouts.a, type.zero, c, layouts.c, c, layouts.c, algorithm, space, bytes, stream,
      );
    };
  };

  return {
    prepare: (product) => {
      const key = JSON.stringify(product);
      let ready = known.get(key);
      if (ready === undefined) known.set(key, (ready = prepared(product)));
      return ready;
    },
    close: () => {
      for (const { product, layouts } of described) {
        call.cublasLtMatmulDescDestroy(product);
        for (const layout of Object.values(layouts)) call.cublasLtMatrixLayoutDestroy(layout);
      }
      call.cublasLtDestroy(handle);
    },
  };
}
