/** Dtypes of results: promotion, JS numbers, functions of integers, defaults. */

import { afterEach, describe, expect, it } from "vitest";
import * as curv from "../src/index.js";
import { tensor, zeros, type DType, type Tensor } from "../src/index.js";

const { jit, promoteDTypes, setDefaultDType, vmap } = curv;
const dtypes = ["bool", "int32", "uint32", "float32", "float64"] as const;
const of = (dtype: DType): Tensor => zeros([2], { dtype });

afterEach(() => setDefaultDType("float32"));

/**
 * float64 > float32 > {int32, uint32} > bool. NumPy differs: int32 with uint32 is its int64, int32 with float32 its float64 (JAX has
 * float32, as here).
 */
const table: Readonly<Record<DType, Readonly<Record<DType, DType>>>> = {
  bool: { bool: "bool", int32: "int32", uint32: "uint32", float32: "float32", float64: "float64" },
  int32: { bool: "int32", int32: "int32", uint32: "int32", float32: "float32", float64: "float64" },
  uint32: { bool: "uint32", int32: "int32", uint32: "uint32", float32: "float32", float64: "float64" },
  float32: { bool: "float32", int32: "float32", uint32: "float32", float32: "float32", float64: "float64" },
  float64: { bool: "float64", int32: "float64", uint32: "float64", float32: "float64", float64: "float64" },
};

describe.each(dtypes)("%s with", (a) => {
  it.each(dtypes)("%s", (b) => {
    const wanted = table[a][b];
    expect(promoteDTypes(a, b)).toBe(wanted);
    const [x, y] = [of(a), of(b)];
    const results = {
      maximum: curv.maximum(x, y),
      where: curv.where(tensor(true), x, y),
      concat: curv.concat([x, y]),
      // Inside a trace as outside.
      jit: jit((u: Tensor, v: Tensor) => curv.maximum(u, v))(x, y),
      vmap: vmap((u: Tensor, v: Tensor) => curv.minimum(u, v))(x, y),
    };
    for (const [name, result] of Object.entries(results)) expect(result.dtype, name).toBe(wanted);
    if (a === "bool" && b === "bool") {
      for (const f of [curv.add, curv.sub, curv.mul, curv.pow, curv.floorDiv, curv.mod, curv.rem]) {
        expect(() => f(x, y)).toThrow("both operands are bool");
      }
    } else {
      expect(x.add(y).dtype).toBe(wanted);
      expect(x.mul(y).dtype).toBe(wanted);
      expect(x.sub(y).dtype).toBe(wanted);
    }
    expect(x.matmul(y).dtype).toBe(wanted === "bool" ? "int32" : wanted);
    expect(x.equal(y).dtype).toBe("bool");
    expect(x.less(y).dtype).toBe("bool");
    expect(x.div(y).dtype).toBe(curv.isFloat(wanted) ? wanted : "float32");
  });
});

describe("values, not only dtypes", () => {
  it("int32 with uint32 wraps above 2³¹", () => {
    const sum = tensor(Int32Array.of(-1)).add(tensor(Uint32Array.of(4294967295)));
    expect([sum.dtype, sum.itemSync()]).toEqual(["int32", -2]);
  });
  it("an integer of 25 bits is rounded in float32", () => {
    expect(
      tensor(Int32Array.of(16777217))
        .add(tensor([0]))
        .itemSync(),
    ).toBe(16777216);
  });
  it("bool counts as 0 or 1", () => {
    expect(
      tensor([true, false])
        .add(tensor([0.5, 0.5]))
        .arraySync(),
    ).toEqual([1.5, 0.5]);
    expect(
      tensor([true, false])
        .mul(tensor(Int32Array.of(7, 7)))
        .arraySync(),
    ).toEqual([7, 0]);
  });
});

describe("JS numbers", () => {
  it.each(["float32", "float64"] as const)("never change %s", (dtype) => {
    for (const value of [2, 2.5, 1e300, NaN]) {
      expect(of(dtype).add(value).dtype).toBe(dtype);
      expect(curv.sub(value, of(dtype)).dtype).toBe(dtype);
    }
  });
  it("must be integers beside integers, and keep the dtype", () => {
    expect(of("int32").add(3).dtype).toBe("int32");
    expect(of("uint32").mul(3).dtype).toBe("uint32");
    expect(curv.floorDiv(7, tensor(Int32Array.of(2))).itemSync()).toBe(3);
    expect(() => of("int32").add(0.5)).toThrow("cast the tensor to float32");
    expect(of("int32").div(2).dtype).toBe("float32");
  });
  it("beside a bool an integer gives int32, a fraction the default float, a boolean bool", () => {
    expect(of("bool").add(1).dtype).toBe("int32");
    expect(of("bool").add(0.5).dtype).toBe("float32");
    expect(of("bool").equal(true).dtype).toBe("bool");
  });
  it("two numbers are a scalar of the default float", () => {
    expect(curv.add(1, 2).dtype).toBe("float32");
    setDefaultDType("float64");
    expect(curv.add(1, 2).dtype).toBe("float64");
  });
  it("a number is rounded to the tensor's dtype before it is used", () => {
    expect(tensor([0]).add(0.1).itemSync()).toBe(Math.fround(0.1));
    expect(tensor([1e38]).mul(1e300).itemSync()).toBe(Infinity);
  });
  it("numbers through jit take the dtype of what they meet, and lose nothing beside float64", () => {
    const f = jit((x: Tensor, s: Tensor) => x.mul(s)) as unknown as (x: Tensor, s: number) => Tensor;
    expect(f(of("float32"), 0.1).dtype).toBe("float32");
    expect(f(tensor([1], { dtype: "float64" }), 0.1).itemSync()).toBe(0.1);
  });
});

describe("functions of real numbers of integers", () => {
  const functions = ["exp", "log", "sqrt", "sin", "tanh", "sigmoid", "reciprocal", "erf", "lgamma"] as const;
  it.each(functions)("%s gives the default float", (name) => {
    for (const dtype of ["int32", "uint32", "bool"] as const) {
      expect(curv[name](of(dtype)).dtype).toBe("float32");
      setDefaultDType("float64");
      expect(curv[name](of(dtype)).dtype).toBe("float64");
      setDefaultDType("float32");
    }
    expect(curv[name](of("float64")).dtype).toBe("float64");
    expect(curv[name](of("float32")).dtype).toBe("float32");
  });
  it("means are floats, sums and products of bools int32, sums of integers their own", () => {
    expect(of("int32").mean().dtype).toBe("float32");
    expect(curv.variance(of("bool")).dtype).toBe("float32");
    expect(curv.softmax(of("int32")).dtype).toBe("float32");
    expect(curv.logSumExp(of("uint32")).dtype).toBe("float32");
    for (const f of [curv.sum, curv.prod] as const) {
      expect(f(of("bool")).dtype).toBe("int32");
      expect(f(of("int32")).dtype).toBe("int32");
      expect(f(of("uint32")).dtype).toBe("uint32");
      expect(f(of("float64")).dtype).toBe("float64");
    }
    expect(curv.cumsum(of("bool"), 0).dtype).toBe("int32");
  });
  it("indices are int32, comparisons and tests bool", () => {
    for (const x of [of("float64"), of("uint32")]) {
      expect(x.argMax().dtype).toBe("int32");
      expect(curv.argSort(x).dtype).toBe("int32");
      expect(curv.topK(x, 1).indices.dtype).toBe("int32");
    }
    expect(curv.isNaN(of("int32")).dtype).toBe("bool");
  });
});

describe("defaults", () => {
  it("nested arrays, creation and one-hot follow the default float; algorithms and typed arrays do not", () => {
    const made = (): Record<string, DType> => ({
      tensor: tensor([1, 2]).dtype,
      zeros: zeros([1]).dtype,
      ones: curv.ones([1]).dtype,
      full: curv.full([1], 2).dtype,
      eye: curv.eye(2).dtype,
      linspace: curv.linspace(0, 1, 3).dtype,
      "arange of fractions": curv.arange(0, 1, 0.5).dtype,
      oneHot: curv.oneHot(tensor(Int32Array.of(0)), 2).dtype,
    });
    expect(new Set(Object.values(made()))).toEqual(new Set(["float32"]));
    setDefaultDType("float64");
    expect(new Set(Object.values(made()))).toEqual(new Set(["float64"]));
    expect(tensor(Float32Array.of(1)).exp().dtype).toBe("float32");
    expect(curv.zerosLike(tensor(Float32Array.of(1))).dtype).toBe("float32");
  });
  it("typed arrays keep their dtype, small integer arrays become int32, booleans bool", () => {
    expect(tensor(new Float64Array(1)).dtype).toBe("float64");
    expect(tensor(new Uint32Array(1)).dtype).toBe("uint32");
    for (const small of [
      new Uint8Array(1),
      new Uint8ClampedArray(1),
      new Int8Array(1),
      new Int16Array(1),
      new Uint16Array(1),
    ]) {
      expect(tensor(small).dtype).toBe("int32");
    }
    expect(tensor([true, false]).dtype).toBe("bool");
    expect(tensor(true).dtype).toBe("bool");
    expect(tensor([true, 2]).dtype).toBe("float32");
    expect(curv.arange(3).dtype).toBe("int32");
  });
  it("data are copied, in and out", () => {
    const data = Float32Array.of(1, 2);
    const x = tensor(data);
    data[0] = 9;
    expect(x.arraySync()).toEqual([1, 2]);
    x.dataSync()[0] = 9;
    expect(x.arraySync()).toEqual([1, 2]);
    const same = x.reshape(2, 1);
    same.dataSync()[0] = 9;
    expect(x.arraySync()).toEqual([1, 2]);
  });
});
