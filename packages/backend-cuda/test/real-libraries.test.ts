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
import { cufftSignatures } from "../src/lib/cufft.js";
import { cusolverSignatures, loadCusolver } from "../src/lib/cusolver.js";
import { libraryLines } from "../src/lib/found.js";
import { locate, type LocatedLibrary } from "../src/locate.js";

const libraries = [
  { name: "cuBLAS", find: () => locate("cublas"), signatures: cublasSignatures, headers: ["cublas_api.h"] },
  { name: "cuBLASLt", find: () => locate("cublasLt"), signatures: cublasLtSignatures, headers: ["cublasLt.h"] },
  { name: "cuSOLVER", find: () => loadCusolver(), signatures: cusolverSignatures, headers: ["cusolverDn.h", "cusolver_common.h"] },
  { name: "cuFFT", find: () => locate("cufft"), signatures: cufftSignatures, headers: ["cufft.h"] },
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
  const handles = /(Handle_t|handle_t|Info_t|Stream_t|stream_t|Params_t|Desc_t|Layout_t|Preference_t)\b/;
  if (/[*[]/.test(text) || handles.test(text)) return "void *";
  if (/\b(signed )?char\b/.test(text)) return "int8_t";
  if (/\b(u?int64_t|long long|size_t)\b/.test(text)) return "int64_t";
  return /\bdouble\b/.test(text) ? "double" : "int";
}

/** Types of the parameters of a function, as a header declares it; null if it does not. */
function declared(header: string, name: string): string[] | null {
  const match = new RegExp(`\\b${name}\\s*\\(([^)]*)\\)`).exec(header);
  return match === null ? null : match[1].split(",").map(passed);
}

test("their versions are read without a card", ({ skip }) => {
  const lines = libraryLines().filter((line) => !/ is not used: /.test(line));
  const there = lines.filter((line) => !line.includes(" missing: "));
  skip(there.length === 0, lines.join("; "));
  for (const line of there) expect(line).toMatch(/^cu\w+ \d+\.\d+\.\d+ \(.+\)$/);
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
