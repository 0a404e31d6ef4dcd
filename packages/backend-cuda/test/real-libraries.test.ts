/**
 * The vendor's own libraries, which load without a card: that every function we bind is there, and that it takes what we pass, by the
 * headers that lie beside them. They are looked for where the package looks for them (`CURV_CUDA_LIB_DIR` names a folder); where they are
 * not, this says so and is skipped.
 */

import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { cublasSignatures } from "../src/lib/cublas.js";
import {
  bindCublasLt,
  cublasLtSignatures,
  describeProduct,
  descriptionAttribute,
  epilogue,
  preferenceAttribute,
} from "../src/lib/cublaslt.js";
import { bindCudnn, cudnnNumbers, cudnnSignatures, describeConvolution, type Convolution } from "../src/lib/cudnn.js";
import { cufftSignatures, kinds } from "../src/lib/cufft.js";
import { cusolverSignatures, loadCusolver } from "../src/lib/cusolver.js";
import { libraryLines } from "../src/lib/found.js";
import { loadNccl, ncclNumbers, ncclSignatures } from "../src/lib/nccl.js";
import { locate, type LocatedLibrary } from "../src/locate.js";

const libraries = [
  { name: "cuBLAS", find: () => locate("cublas"), signatures: cublasSignatures, headers: ["cublas_api.h"] },
  { name: "cuBLASLt", find: () => locate("cublasLt"), signatures: cublasLtSignatures, headers: ["cublasLt.h"] },
  { name: "cuSOLVER", find: () => loadCusolver(), signatures: cusolverSignatures, headers: ["cusolverDn.h", "cusolver_common.h"] },
  { name: "cuFFT", find: () => locate("cufft"), signatures: cufftSignatures, headers: ["cufft.h"] },
  { name: "cuDNN", find: () => locate("cudnn"), signatures: cudnnSignatures, headers: ["cudnn_graph.h", "cudnn_ops.h", "cudnn_cnn.h"] },
  { name: "NCCL", find: () => locate("nccl"), signatures: ncclSignatures, headers: ["nccl.h"] },
]; // prettier-ignore

function found(find: () => LocatedLibrary): LocatedLibrary | string {
  try {
    return find();
  } catch (error) {
    return (error as Error).message.split("\n")[0];
  }
}

/** How a C parameter is passed: in a pointer, in 8, 32 or 64 bits, or as a double. */
function passed(parameter: string): string {
  const text = parameter.replace(/\/\*.*?\*\//gs, "").trim();
  const handles =
    /(Handle_t|handle_t|Descriptor_t|Info_t|Stream_t|stream_t|Comm_t|Params_t|Desc_t|Layout_t|Preference_t)\b/;
  if (/[*[]/.test(text) || handles.test(text)) return "void *";
  if (/\b(signed )?char\b/.test(text)) return "int8_t";
  if (/\b(u?int64_t|long long|size_t)\b/.test(text)) return "int64_t";
  return /\bdouble\b/.test(text) ? "double" : "int";
}

/** Types of the parameters of a function, as a header declares it; null if it does not. */
function declared(header: string, name: string): string[] | null {
  const match = new RegExp(`\\b${name}\\s*\\(([^)]*)\\)`).exec(header);
  return match === null ? null : match[1] === "" ? [] : match[1].split(",").map(passed);
}

test("their versions are read without a card", ({ skip }) => {
  const lines = libraryLines();
  const there = lines.filter((line) => !line.includes(" missing: "));
  skip(there.length === 0, lines.join("; "));
  for (const line of there) expect(line).toMatch(/^(cu\w+|NCCL) \d+\.\d+\.\d+ \(.+\)$/);
});

describe.each(libraries)("$name", ({ find, signatures, headers }) => {
  const library = found(find);
  const reason = typeof library === "string" ? library : null;

  test("has every function that is called", ({ skip }) => {
    skip(reason !== null, String(reason));
    const { handle } = library as LocatedLibrary;
    const missing = Object.entries(signatures).filter(([name, types]) => {
      try {
        handle.func(name, "int", [...types]);
        return false;
      } catch {
        return true;
      }
    });
    expect(missing.map(([name]) => name)).toEqual([]);
    expect(() => handle.func("noSuchFunction", "int", [])).toThrow();
  });

  test("takes what is passed", ({ skip }) => {
    skip(reason !== null, String(reason));
    const folder = join(dirname((library as LocatedLibrary).path), "../include");
    const files = headers.map((file) => join(folder, file)).filter((file) => existsSync(file));
    skip(files.length === 0, `no headers in ${folder}`);
    const text = files.map((file) => readFileSync(file, "utf8").replace(/\/\*.*?\*\/|\/\/[^\n]*/gs, "")).join("\n"); // prettier-ignore
    for (const [name, types] of Object.entries(signatures)) {
      expect({ name, types: declared(text, name) }).toEqual({ name, types });
    }
  });
});

/** Numbers of `cublasLt.h`, as the header has them. */
function numberOf(header: string, name: string): number {
  const [, value] = new RegExp(`\\b${name} = ([^,]+),`).exec(header)!;
  const parts = value.replace(/[()]/g, "").split("|").map((part) => part.trim()); // prettier-ignore
  return parts.reduce((all, part) => all | (/^\d/.test(part) ? Number(part) : numberOf(header, part)), 0);
}

describe("cuBLASLt without a card", () => {
  const library = found(() => locate("cublasLt"));
  beforeEach(({ skip }) => skip(typeof library === "string", String(library)));
  const numbers = {
    float32: { data: 0, compute: 68, one: Float32Array.of(1), zero: Float32Array.of(0) },
    float64: { data: 1, compute: 70, one: Float64Array.of(1), zero: Float64Array.of(0) },
  };

  test("attributes have the numbers of the header", ({ skip }) => {
    const header = join(dirname((library as LocatedLibrary).path), "../include/cublasLt.h");
    skip(!existsSync(header), `no ${header}`);
    const text = readFileSync(header, "utf8");
    const named = {
      CUBLASLT_MATMUL_DESC_TRANSA: descriptionAttribute.transA,
      CUBLASLT_MATMUL_DESC_TRANSB: descriptionAttribute.transB,
      CUBLASLT_MATMUL_DESC_EPILOGUE: descriptionAttribute.epilogue,
      CUBLASLT_MATMUL_DESC_BIAS_POINTER: descriptionAttribute.biasPointer,
      CUBLASLT_EPILOGUE_BIAS: epilogue.bias,
      CUBLASLT_EPILOGUE_RELU_BIAS: epilogue.reluBias,
      CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES: preferenceAttribute.workspaceBytes,
      CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES: preferenceAttribute.alignment.a,
      CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES: preferenceAttribute.alignment.b,
    };
    expect(Object.fromEntries(Object.keys(named).map((name) => [name, numberOf(text, name)]))).toEqual(named);
  });

  test("descriptions of products are taken, and read back", () => {
    const { call } = bindCublasLt(library as LocatedLibrary);
    const { handle } = library as LocatedLibrary;
    const get = (name: string) => handle.func(name, "int", ["void *", "int", "void *", "int64_t", "void *"]) as unknown as (...args: unknown[]) => number; // prettier-ignore
    const [ofProduct, ofLayout] = [get("cublasLtMatmulDescGetAttribute"), get("cublasLtMatrixLayoutGetAttribute")];
    const written = new BigUint64Array(1);
    for (const dtype of ["float32", "float64"] as const) {
      const plain = { transposed: false, leading: 40, alignment: 256 };
      const { product, layouts } = describeProduct(call, numbers[dtype], {
        dtype,
        m: 5,
        n: 6,
        k: 7,
        a: { transposed: true, leading: 30, alignment: 4 },
        b: plain,
        bias: plain,
        relu: dtype === "float32",
      });
      const read = (from: typeof ofProduct, of: bigint, attribute: number, bytes: number): number => {
        const out = new BigInt64Array(1);
        expect(from(of, attribute, out, bytes, written)).toBe(0);
        return bytes === 4 ? Number(out[0] & 0xffffffffn) : Number(out[0]);
      };
      // The library's first factor is what our second is.
      const { transA, transB, epilogue: end } = descriptionAttribute;
      expect([transA, transB, end].map((attribute) => read(ofProduct, product, attribute, 4))).toEqual([0, 1, dtype === "float32" ? 6 : 4]); // prettier-ignore
      const [rows, columns, leading] = [2, 3, 4];
      const sizes = (layout: bigint): number[] => [rows, columns, leading].map((attribute) => read(ofLayout, layout, attribute, 8)); // prettier-ignore
      expect([layouts.a, layouts.b, layouts.c].map(sizes)).toEqual([
        [5, 7, 30],
        [6, 7, 40],
        [6, 5, 6],
      ]);
      // An attribute of a wrong size is refused: the checks above would not pass by chance.
      expect(ofProduct(product, end, new BigInt64Array(1), 2, written)).not.toBe(0);
    }
  });
});

describe("cuDNN without a card", () => {
  const library = found(() => locate("cudnn"));
  beforeEach(({ skip }) => skip(typeof library === "string", String(library)));

  test("numbers are those of the headers", ({ skip }) => {
    const folder = join(dirname((library as LocatedLibrary).path), "../include");
    const files = ["cudnn_graph.h", "cudnn_ops.h"].map((file) => join(folder, file));
    skip(!files.every((file) => existsSync(file)), `no headers in ${folder}`);
    const text = files.map((file) => readFileSync(file, "utf8").replace(/\/\*.*?\*\//gs, "")).join("\n");
    for (const [name, number] of Object.entries(cudnnNumbers)) {
      const [, value] = new RegExp(`\\b${name}\\s*= (\\d+)`).exec(text)!;
      expect({ name, number }).toEqual({ name, number: Number(value) });
    }
    // What is offered of methods, as it lies in memory: int, int, float, size_t, int, int, int[3].
    const header = readFileSync(join(folder, "cudnn_cnn.h"), "utf8").replace(/\/\*.*?\*\//gs, "");
    const [, fields] = /struct cudnnConvolutionFwdAlgoPerfStruct \{(.*?)\}/s.exec(header)!;
    expect(fields.split(";").map((field) => field.trim()).filter((field) => field !== "")).toEqual([
      "cudnnConvolutionFwdAlgo_t algo",
      "cudnnStatus_t status",
      "float time",
      "size_t memory",
      "cudnnDeterminism_t determinism",
      "cudnnMathType_t mathType",
      "int reserved[3]",
    ]); // prettier-ignore
  });

  test("descriptions of convolutions are taken, and the library's result has the size of ours", () => {
    const { call } = bindCudnn(library as LocatedLibrary);
    const convolutions: readonly Pick<Convolution, "x" | "w" | "y" | "padding" | "stride" | "dilation" | "groups">[] = [
      { x: [2, 3, 7, 6], w: [4, 3, 3, 2], y: [2, 4, 5, 5], padding: [0, 0], stride: [1, 1], dilation: [1, 1], groups: 1 },
      { x: [2, 4, 9, 9], w: [16, 2, 3, 3], y: [2, 16, 5, 4], padding: [2, 1], stride: [2, 2], dilation: [2, 2], groups: 2 },
      { x: [2, 3, 11, 1], w: [4, 3, 3, 1], y: [2, 4, 3, 1], padding: [0, 0], stride: [3, 1], dilation: [1, 1], groups: 1 },
      { x: [2, 2, 4, 5, 3], w: [3, 2, 2, 2, 2], y: [2, 3, 3, 2, 2], padding: [0, 0, 0], stride: [1, 2, 1], dilation: [1, 1, 1], groups: 1 },
    ]; // prettier-ignore
    for (const dtype of ["float32", "float64"] as const) {
      for (const size of convolutions) {
        const { convolution, x, w } = describeConvolution(call, { ...size, kind: "forward", dtype }, false);
        const y = new Int32Array(size.y.length);
        call.cudnnGetConvolutionNdForwardOutputDim(convolution, x, w, y.length, y);
        expect([...y]).toEqual(size.y);
      }
    }
    // Negative padding is refused, so that the checks above would not pass by chance.
    const wrong = { ...convolutions[0], padding: [-1, 0], kind: "forward", dtype: "float32" } as const;
    expect(() => describeConvolution(call, wrong, false)).toThrow(/cudnnSetConvolutionNdDescriptor returned/);
  });
});

describe("NCCL without a card", () => {
  const library = found(() => locate("nccl"));
  beforeEach(({ skip }) => skip(typeof library === "string", String(library)));

  test("types and operations have the numbers of the header", ({ skip }) => {
    const header = join(dirname((library as LocatedLibrary).path), "../include/nccl.h");
    skip(!existsSync(header), `no ${header}`);
    const text = readFileSync(header, "utf8");
    const named = {
      ncclUint8: ncclNumbers.type.bool,
      ncclInt32: ncclNumbers.type.int32,
      ncclUint32: ncclNumbers.type.uint32,
      ncclFloat32: ncclNumbers.type.float32,
      ncclFloat64: ncclNumbers.type.float64,
      ncclSum: ncclNumbers.operation.sum,
      ncclMax: ncclNumbers.operation.max,
      ncclMin: ncclNumbers.operation.min,
      ncclAvg: ncclNumbers.operation.avg,
    };
    for (const [name, number] of Object.entries(named))
      expect({ name, number }).toEqual({ name, number: Number(new RegExp(`\\b${name}\\s*= *(\\d+)`).exec(text)![1]) });
    for (const [name, number] of [["ncclInvalidUsage", 5], ["ncclTimeout", 8]] as const)
      expect(text).toMatch(new RegExp(`\\b${name}\\s*= *${number},`)); // prettier-ignore
  });

  test("what it refuses is told in its own words", () => {
    const { raw, refused } = loadNccl();
    const result = raw.ncclAllReduce(0n, 0n, 1, 7, 0, null, null);
    expect(result).toBe(4);
    expect(refused("ncclAllReduce", result).message).toMatch(
      /^cuda: ncclAllReduce returned 4 \(ncclInvalidArgument\): AllReduce : comm argument is NULL\. NCCL_DEBUG/,
    );
    expect([raw.ncclGroupStart(), raw.ncclGroupEnd()]).toEqual([0, 0]);
    expect(raw.ncclCommInitAll(new BigUint64Array(1), 1, Int32Array.of(99))).not.toBe(0);
  });
});

test("kinds of Fourier transforms have the numbers of the header", ({ skip }) => {
  const library = found(() => locate("cufft"));
  skip(typeof library === "string", String(library));
  const header = join(dirname((library as LocatedLibrary).path), "../include/cufft.h");
  skip(!existsSync(header), `no ${header}`);
  const text = readFileSync(header, "utf8");
  const named = {
    CUFFT_C2C: kinds.complex.float32,
    CUFFT_Z2Z: kinds.complex.float64,
    CUFFT_R2C: kinds.ofReal.float32,
    CUFFT_D2Z: kinds.ofReal.float64,
    CUFFT_C2R: kinds.toReal.float32,
    CUFFT_Z2D: kinds.toReal.float64,
  };
  for (const [name, number] of Object.entries(named)) {
    expect(Number(new RegExp(`\\b${name} = (0x[0-9a-f]+)`).exec(text)![1])).toBe(number);
  }
});
