/**
 * Convolutions by cuDNN, by the functions that it has had from its first version on: they are called with plain arguments, where its graphs
 * of operations want a description object by object.
 *
 * Of its methods only those are used whose rounding is that of a product, and that add in the same order each time: implicit and explicit
 * products forward, ALGO_1 backward. Transforms (FFT, Winograd) lose digits, ALGO_0 and ALGO_3 add by atomics.
 */

import { CudaError } from "../errors.js";
import { bindAll, checked, type NativeArgument, type NativeFunction } from "../koffi-bind.js";
import { locate, type Host, type LocatedLibrary } from "../locate.js";
import type { FloatType } from "./cusolver.js";

const pointer = "void *";
const int = "int";
const long = "int64_t";

type CudnnFunction =
  | "cudnnCreate"
  | "cudnnDestroy"
  | "cudnnSetStream"
  | `cudnn${"Create" | "Destroy"}${"Tensor" | "Filter" | "Convolution"}Descriptor`
  | "cudnnSetTensorNdDescriptor"
  | "cudnnSetFilterNdDescriptor"
  | "cudnnSetConvolutionNdDescriptor"
  | "cudnnSetConvolutionMathType"
  | "cudnnSetConvolutionGroupCount"
  | "cudnnGetConvolutionNdForwardOutputDim"
  | "cudnnGetConvolutionForwardAlgorithm_v7"
  | "cudnnGetConvolutionBackwardDataWorkspaceSize"
  | "cudnnGetConvolutionBackwardFilterWorkspaceSize"
  | "cudnnConvolutionForward"
  | "cudnnConvolutionBackwardData"
  | "cudnnConvolutionBackwardFilter";

const create = [pointer];
/** handle, alpha, description and array of both operands, convolution, method, work space and its bytes, beta, description and array. */
const convolve = [
  pointer, pointer, pointer, pointer, pointer, pointer, pointer, int, pointer, long, pointer, pointer, pointer,
]; // prettier-ignore
const workspaceSize = [pointer, pointer, pointer, pointer, pointer, int, pointer];

/** Every function of the library that is called, with the types of its arguments. */
export const cudnnSignatures: Readonly<Record<CudnnFunction, readonly string[]>> = {
  cudnnCreate: create,
  cudnnDestroy: create,
  cudnnSetStream: [pointer, pointer],
  cudnnCreateTensorDescriptor: create,
  cudnnDestroyTensorDescriptor: create,
  cudnnCreateFilterDescriptor: create,
  cudnnDestroyFilterDescriptor: create,
  cudnnCreateConvolutionDescriptor: create,
  cudnnDestroyConvolutionDescriptor: create,
  // type, axes, lengths, strides
  cudnnSetTensorNdDescriptor: [pointer, int, int, pointer, pointer],
  // type, format, axes, lengths
  cudnnSetFilterNdDescriptor: [pointer, int, int, int, pointer],
  // spatial axes, padding, strides, dilations, mode, type
  cudnnSetConvolutionNdDescriptor: [pointer, int, pointer, pointer, pointer, int, int],
  cudnnSetConvolutionMathType: [pointer, int],
  cudnnSetConvolutionGroupCount: [pointer, int],
  // convolution, input, filter, axes, lengths
  cudnnGetConvolutionNdForwardOutputDim: [pointer, pointer, pointer, int, pointer],
  // handle, input, filter, convolution, output, wanted, found, results
  cudnnGetConvolutionForwardAlgorithm_v7: [pointer, pointer, pointer, pointer, pointer, int, pointer, pointer],
  cudnnGetConvolutionBackwardDataWorkspaceSize: workspaceSize,
  cudnnGetConvolutionBackwardFilterWorkspaceSize: workspaceSize,
  cudnnConvolutionForward: convolve,
  cudnnConvolutionBackwardData: convolve,
  cudnnConvolutionBackwardFilter: convolve,
};

/** Numbers of the library's headers. */
export const cudnnNumbers = {
  CUDNN_DATA_FLOAT: 0,
  CUDNN_DATA_DOUBLE: 1,
  CUDNN_TENSOR_NCHW: 0,
  CUDNN_CROSS_CORRELATION: 1,
  /** Tensor cores where the card has them: TF32. */
  CUDNN_DEFAULT_MATH: 0,
  CUDNN_FMA_MATH: 3,
  CUDNN_DETERMINISTIC: 1,
  CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM: 0,
  CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM: 1,
  CUDNN_CONVOLUTION_FWD_ALGO_GEMM: 2,
  CUDNN_CONVOLUTION_BWD_DATA_ALGO_1: 1,
  CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1: 1,
} as const;

/** `cudnnConvolutionFwdAlgoPerf_t`: int algorithm, int status, float time, size_t bytes of work space, int determinism, … */
const result = { bytes: 48, status: 4, workspace: 16, determinism: 24, most: 8 } as const;

/** More work space than that is not worth it. */
const mostSpace = 2 ** 28;

/** Which of the three arrays of a convolution y = x ∗ w is computed from the two others. */
export type ConvolutionKind = "forward" | "data" | "filter";

/** x of [N, groups·C, S…], w of [groups·K, C, R…] and y of [N, groups·K, P…], row-major; two or three spatial axes. */
export interface Convolution {
  readonly kind: ConvolutionKind;
  readonly dtype: FloatType;
  readonly x: readonly number[];
  readonly w: readonly number[];
  readonly y: readonly number[];
  /** Zeros before and after. */
  readonly padding: readonly number[];
  readonly stride: readonly number[];
  readonly dilation: readonly number[];
  readonly groups: number;
}

/** A convolution that is ready to be put on the stream: from x and w to y, from y and w to x, from x and y to w. */
export type PreparedConvolution = (first: bigint, second: bigint, out: bigint) => void;

type Call = Record<CudnnFunction, (...args: NativeArgument[]) => void>;

const kindsOfErrors = ["", "the library is not ready", "a bad argument", "not supported", "an internal error", "the launch failed"]; // prettier-ignore

/** The functions of the library, each throwing what it refuses. None but those with a handle wants a card. */
export function bindCudnn({ handle, path }: LocatedLibrary): {
  call: Call;
  bound: Record<CudnnFunction, NativeFunction>;
} {
  const bound = bindAll(handle, path, cudnnSignatures);
  const call = checked(bound, (name, status) => {
    // Version 9 counts by thousands, 8 did by ones.
    const what = kindsOfErrors[Math.floor(status / 1000)] || "refused";
    return new CudaError(`cuda: ${name} returned ${status} (${what}).`, { call: name, result: status, resultName: what }); // prettier-ignore
  });
  return { call, bound };
}

const made = (make: (out: BigUint64Array) => void): bigint => {
  const out = new BigUint64Array(1);
  make(out);
  return out[0];
};

/** What the library knows of a convolution. */
export interface ConvolutionDescription {
  readonly x: bigint;
  readonly w: bigint;
  readonly y: bigint;
  readonly convolution: bigint;
}

/** Describes a convolution to the library. */
export function describeConvolution(call: Call, c: Convolution, tensorCores: boolean): ConvolutionDescription {
  const n = cudnnNumbers;
  const type = c.dtype === "float32" ? n.CUDNN_DATA_FLOAT : n.CUDNN_DATA_DOUBLE;
  const tensor = (shape: readonly number[]): bigint => {
    const strides = shape.map((_, i) => shape.slice(i + 1).reduce((size, m) => size * m, 1));
    const out = made((to) => call.cudnnCreateTensorDescriptor(to));
    call.cudnnSetTensorNdDescriptor(out, type, shape.length, Int32Array.from(shape), Int32Array.from(strides));
    return out;
  };
  const w = made((to) => call.cudnnCreateFilterDescriptor(to));
  call.cudnnSetFilterNdDescriptor(w, type, n.CUDNN_TENSOR_NCHW, c.w.length, Int32Array.from(c.w));
  const convolution = made((to) => call.cudnnCreateConvolutionDescriptor(to));
  const [padding, stride, dilation] = [c.padding, c.stride, c.dilation].map((list) => Int32Array.from(list));
  call.cudnnSetConvolutionNdDescriptor(convolution, padding.length, padding, stride, dilation, n.CUDNN_CROSS_CORRELATION, type); // prettier-ignore
  call.cudnnSetConvolutionMathType(convolution, tensorCores ? n.CUDNN_DEFAULT_MATH : n.CUDNN_FMA_MATH);
  call.cudnnSetConvolutionGroupCount(convolution, c.groups);
  return { x: tensor(c.x), w, y: tensor(c.y), convolution };
}

function destroyDescription(call: Call, { x, w, y, convolution }: ConvolutionDescription): void {
  for (const tensor of [x, y]) call.cudnnDestroyTensorDescriptor(tensor);
  call.cudnnDestroyFilterDescriptor(w);
  call.cudnnDestroyConvolutionDescriptor(convolution);
}

export interface Cudnn {
  readonly path: string;
  /** The way in which the library computes a convolution; null if it has none that is allowed. */
  prepare(convolution: Convolution): PreparedConvolution | null;
  close(): void;
}

/**
 * Opens cuDNN on a stream.
 *
 * @param tensorCores - Whether float32 may be rounded to TF32.
 * @param workspace - Device memory of at least so many bytes, which the next call may use again.
 * @throws CudaError if it is not there.
 */
export function openCudnn(
  stream: bigint,
  tensorCores: boolean,
  workspace: (bytes: number) => bigint,
  host?: Host,
): Cudnn {
  const library = locate("cudnn", host);
  const { call, bound } = bindCudnn(library);
  const handle = made((out) => call.cudnnCreate(out));
  call.cudnnSetStream(handle, stream);
  const known = new Map<string, PreparedConvolution | null>();
  const described: ConvolutionDescription[] = [];

  /** A method and the bytes of work space that it wants; null if there is none. */
  const choose = (kind: ConvolutionKind, { x, w, y, convolution }: ConvolutionDescription): [number, number] | null => {
    if (kind === "forward") {
      const found = new Int32Array(1);
      const results = new DataView(new ArrayBuffer(result.bytes * result.most));
      if (bound.cudnnGetConvolutionForwardAlgorithm_v7(handle, x, w, convolution, y, result.most, found, results) !== 0) return null; // prettier-ignore
      const n = cudnnNumbers;
      const allowed: readonly number[] = [
        n.CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM,
        n.CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM,
        n.CUDNN_CONVOLUTION_FWD_ALGO_GEMM,
      ];
      for (let at = 0; at < result.bytes * found[0]; at += result.bytes) {
        const algorithm = results.getInt32(at, true);
        const bytes = Number(results.getBigUint64(at + result.workspace, true));
        const same = results.getInt32(at + result.determinism, true) === n.CUDNN_DETERMINISTIC;
        if (results.getInt32(at + result.status, true) === 0 && allowed.includes(algorithm) && same && bytes <= mostSpace) return [algorithm, bytes]; // prettier-ignore
      }
      return null;
    }
    const size = new BigUint64Array(1);
    const [algorithm, status] =
      kind === "data"
        ? [1, bound.cudnnGetConvolutionBackwardDataWorkspaceSize(handle, w, y, convolution, x, 1, size)]
        : [1, bound.cudnnGetConvolutionBackwardFilterWorkspaceSize(handle, x, y, convolution, w, 1, size)];
    return status !== 0 || Number(size[0]) > mostSpace ? null : [algorithm, Number(size[0])];
  };

  const prepared = (wanted: Convolution): PreparedConvolution | null => {
    const { kind, dtype } = wanted;
    let description: ConvolutionDescription;
    try {
      description = describeConvolution(call, wanted, tensorCores && dtype === "float32");
    } catch (error) {
      if (error instanceof CudaError) return null;
      throw error;
    }
    const { x, w, y, convolution } = description;
    const fits = new Int32Array(wanted.y.length);
    const status = bound.cudnnGetConvolutionNdForwardOutputDim(convolution, x, w, fits.length, fits);
    const choice = status === 0 && fits.every((m, i) => m === wanted.y[i]) ? choose(kind, description) : null;
    if (choice === null) {
      destroyDescription(call, description);
      return null;
    }
    described.push(description);
    const [algorithm, bytes] = choice;
    const [one, zero] = [1, 0].map((value) => (dtype === "float32" ? Float32Array.of(value) : Float64Array.of(value)));
    const [run, first, second, out] = {
      forward: [call.cudnnConvolutionForward, x, w, y] as const,
      data: [call.cudnnConvolutionBackwardData, w, y, x] as const,
      filter: [call.cudnnConvolutionBackwardFilter, x, y, w] as const,
    }[kind];
    return (a, b, c) => {
      // The library takes the filter first where x is computed.
      const [left, right] = kind === "data" ? [b, a] : [a, b];
      const space = bytes === 0 ? null : workspace(bytes);
      run(handle, one, first, left, second, right, convolution, algorithm, space, bytes, zero, out, c);
    };
  };

  return {
    path: library.path,
    prepare: (convolution) => {
      const key = JSON.stringify(convolution);
      let ready = known.get(key);
      if (ready === undefined) known.set(key, (ready = prepared(convolution)));
      return ready;
    },
    close: () => {
      for (const description of described) destroyDescription(call, description);
      call.cudnnDestroy(handle);
    },
  };
}
