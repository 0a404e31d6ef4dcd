/**
 * The vendor's own libraries, which load without a card: that every function we bind is there, and that it takes what we pass, by the
 * headers that lie beside them. They are looked for where the package looks for them (`CURV_CUDA_LIB_DIR` names a folder); where they are
 * not, this says so and is skipped.
 */

import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { cublasSignatures } from "../src/lib/cublas.js";
import { cufftSignatures } from "../src/lib/cufft.js";
import { cusolverSignatures, loadCusolver } from "../src/lib/cusolver.js";
import { libraryLines } from "../src/lib/found.js";
import { locate, type LocatedLibrary } from "../src/locate.js";

const libraries = [
  { name: "cuBLAS", find: () => locate("cublas"), signatures: cublasSignatures, headers: ["cublas_api.h"] },
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
  const handles = /(Handle_t|handle_t|Info_t|Stream_t|stream_t|Params_t)\b/;
  if (/[*[]/.test(text) || handles.test(text)) return "void *";
  if (/\b(signed )?char\b/.test(text)) return "int8_t";
  if (/\b(int64_t|long long|size_t)\b/.test(text)) return "int64_t";
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
    const text = files.map((file) => readFileSync(file, "utf8")).join("\n");
    for (const [name, types] of Object.entries(signatures)) {
      expect({ name, types: declared(text, name) }).toEqual({ name, types });
    }
  });
});
