/** Printing: NumPy's layout (brackets, indentation, blank lines, truncation), right-aligned, the shortest digits of the dtype. */

import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { arange, full, grad, jit, ones, tensor, vmap, zeros, type Tensor } from "../src/index.js";
import { fakeDevice } from "./support/fake-device.js";

/** What is printed before `shape=…`. */
const elements = (x: Tensor): string => String(x).slice(0, String(x).lastIndexOf(" shape="));
const f32 = (...values: number[]): string => elements(tensor(values));
const f64 = (...values: number[]): string => elements(tensor(values, { dtype: "float64" }));

describe("layout", () => {
  // The strings are those of numpy.array2string(x, separator=", ").
  it.each([
    ["a vector", arange(3), "[0, 1, 2]"],
    [
      "columns",
      tensor(
        [
          [1, 2],
          [30, -4],
        ],
        { dtype: "int32" },
      ),
      "[[ 1,  2],\n [30, -4]]",
    ],
    ["rank 3", arange(8).reshape(2, 2, 2), "[[[0, 1],\n  [2, 3]],\n\n [[4, 5],\n  [6, 7]]]"],
    ["rank 4", arange(4).reshape(2, 1, 2, 1), "[[[[0],\n   [1]]],\n\n\n [[[2],\n   [3]]]]"],
    [
      "1000 elements in full",
      arange(1000),
      `[${Array.from({ length: 1000 }, (_, i) => String(i).padStart(3)).join(", ")}]`,
    ],
    ["1001 elements", arange(1001), "[   0,    1,    2, ...,  998,  999, 1000]"],
    [
      "rows and columns left out",
      arange(2000).reshape(40, 50),
      "[[   0,    1,    2, ...,   47,   48,   49],\n [  50,   51,   52, ...,   97,   98,   99],\n [ 100,  101,  102, ...,  147,  148,  149],\n ...,\n [1850, 1851, 1852, ..., 1897, 1898, 1899],\n [1900, 1901, 1902, ..., 1947, 1948, 1949],\n [1950, 1951, 1952, ..., 1997, 1998, 1999]]",
    ],
    ["an axis of six in full", arange(1800).reshape(6, 300).slice(null, [0, 300]), undefined],
    ["nothing", zeros([0]), "[]"],
    ["no rows", zeros([0, 3]), "[]"],
    ["bools", tensor([[true, false]]), "[[ true, false]]"],
    ["a scalar", tensor(3.5), "3.5"],
  ])("%s", (title, x, wanted) => {
    if (wanted !== undefined) expect(elements(x)).toBe(wanted);
    else expect(elements(x).split("\n"), title).toHaveLength(6);
  });

  it("only what is shown decides the width", () => {
    const x = tensor(Float32Array.from({ length: 2000 }, (_, i) => (i === 1000 ? 123456 : i % 10)));
    expect(elements(x)).toBe("[0, 1, 2, ..., 7, 8, 9]");
  });

  it("ends with shape and dtype", () => {
    expect(String(ones([2, 1]))).toBe("[[1],\n [1]] shape=[2, 1], dtype=float32");
    expect(String(tensor(true))).toBe("true shape=[], dtype=bool");
  });
});

describe("digits", () => {
  it("shortest that round-trip float32", () => {
    expect(f32(0.1, 1 / 3, 16777216)).toBe("[     0.1, 0.33333334,   16777216]".replace("     0.1", "       0.1"));
    expect(f32(1.5, -2)).toBe("[1.5,  -2]");
    expect(f32(3.4028234663852886e38, 1e-45)).toBe("[3.4028235e+38,         1e-45]");
  });
  it("float64: up to 8 significant digits", () => {
    expect(f64(0.1 + 0.2, 2 / 3)).toBe("[       0.3, 0.66666667]");
    expect(f64(1e-5, 12345.678901)).toBe("[     1e-5, 12345.679]");
  });
  it("nan, inf, −0", () => {
    expect(f32(NaN, Infinity, -Infinity, -0, 1.5)).toBe("[ nan,  inf, -inf,   -0,  1.5]");
  });
  it("integers to the last digit", () => {
    expect(elements(tensor([2147483647, -123456789], { dtype: "int32" }))).toBe("[2147483647, -123456789]");
    expect(elements(tensor([4294967295], { dtype: "uint32" }))).toBe("[4294967295]");
  });
  it("exponents below 1e-4, from 1e16, and from 1e8 where digits are left out", () => {
    expect(f64(1e-4)).toBe("[0.0001]");
    expect(f64(9e-5)).toBe("[9e-5]");
    expect(f64(1e15)).toBe("[1000000000000000]");
    expect(f64(1e16)).toBe("[1e+16]");
    expect(f64(123456789)).toBe("[1.2345679e+8]");
  });
});

describe("where it prints", () => {
  it("util.inspect and template literals", () => {
    const x = tensor([1, 2]);
    expect(inspect(x)).toBe("[1, 2] shape=[2], dtype=float32");
    expect(inspect({ x })).toBe("{ x: [1, 2] shape=[2], dtype=float32 }");
    expect(`${x}`).toBe(inspect(x));
  });
  it("JSON shows the structure, not the elements", () => {
    expect(JSON.parse(JSON.stringify({ x: zeros([2, 3]) }))).toEqual({
      x: { dtype: "float32", shape: [2, 3], backend: "cpu" },
    });
  });
  it("coercion to a number throws; there is no then", () => {
    const x = tensor(1) as unknown as number;
    for (const use of [() => x > 0, () => x + 1, () => +x, () => Math.max(x, 0), () => 1 - x, () => [1, 2][x]]) {
      // An index is a string: the tensor prints.
      if (String(use).includes("[1, 2]")) expect(use()).toBeUndefined();
      else expect(use).toThrow("a Tensor was used as a JavaScript number");
    }
    expect("then" in (x as unknown as object)).toBe(false);
  });
  it("a traced, a disposed and a device tensor show no elements, and are not read", () => {
    const seen: string[] = [];
    const look = (x: Tensor): Tensor => {
      seen.push(String(x));
      return x.sum();
    };
    grad(look)(zeros([2]));
    jit(look)(zeros([2]));
    vmap(look)(zeros([2, 2]));
    expect(seen).toEqual(new Array(3).fill("Tensor(shape=[2], dtype=float32, traced)"));
    const gone = full([2], 1);
    gone.dispose();
    expect(inspect(gone)).toBe("Tensor(shape=[2], dtype=float32, disposed)");
    const there = zeros([2]).to(fakeDevice("webgpu"));
    expect(String(there)).toBe("Tensor(shape=[2], dtype=float32, backend=webgpu)");
  });
});
