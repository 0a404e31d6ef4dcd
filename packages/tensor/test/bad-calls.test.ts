/**
 * Wrong calls: each throws a typed error that names the function, the argument, what it got and what it wants.
 *
 * E-numbers are those of the specification, whose texts are asserted to the letter. Those of random and safetensors stand with their tests.
 */

import { describe, expect, it } from "vitest";
import * as curv from "../src/index.js";
import {
  CurvError,
  isCurvError,
  tensor,
  zeros,
  type CurvErrorCode,
  type DType,
  type Shape,
  type Tensor,
} from "../src/index.js";
import * as fft from "../src/fft/index.js";
import * as linalg from "../src/linalg/index.js";
import * as tree from "../src/tree/index.js";
import { fakeDevice } from "./support/fake-device.js";

const { grad, jit, jvp, vmap } = curv;

/** Arguments that the types refuse, too. */
const wrong = (value: unknown): never => value as never;
const f32 = (...shape: number[]): Tensor => zeros(shape);
const i32 = (...values: number[]): Tensor => tensor(Int32Array.from(values));
const disposed = (): Tensor => {
  const x = f32(3);
  x.dispose();
  return x;
};
/** A tracer of a `grad` that has returned. */
const leaked = (): Tensor => {
  let kept: Tensor | null = null;
  function loss(x: Tensor): Tensor {
    kept = x;
    return x.sum();
  }
  grad(loss)(f32(3));
  return kept!;
};
const square = (x: Tensor): Tensor => x.mul(x);
const diagonal = (...values: number[]): Tensor => curv.diag(tensor(values, { dtype: "float64" }));
const withNaN = (at: number, n = 3): Tensor =>
  tensor(
    Array.from({ length: n * n }, (_, i) => (i === at ? NaN : i)),
    { shape: [n, n], dtype: "float64" },
  );

const codes: Readonly<Record<string, CurvErrorCode>> = {
  Shape: "CURV_SHAPE",
  DType: "CURV_DTYPE",
  Domain: "CURV_DOMAIN",
  Backend: "CURV_BACKEND",
  Tracing: "CURV_TRACING",
  Tree: "CURV_TREE",
};

/** [what it is, or its E-number, kind of error, text, call] */
type Row = readonly [title: string, kind: keyof typeof codes, message: string, call: () => unknown];

function check(rows: readonly Row[]): void {
  it.each(rows)("%s: %sError: %s", (_title, kind, message, call) => {
    let error: unknown = null;
    try {
      call();
    } catch (thrown) {
      error = thrown;
    }
    expect(error, "it does not throw").not.toBeNull();
    expect((error as Error).message).toBe(message);
    expect(error).toBeInstanceOf(CurvError);
    expect((error as CurvError).name).toBe(`${kind}Error`);
    expect(isCurvError(error, codes[kind])).toBe(true);
  });
}

describe("the table of the specification", () => {
  check([
    [
      "E1",
      "Shape",
      "add: shapes [2, 3] and [4] do not broadcast: last axis is 3 against 4.",
      () => f32(2, 3).add(f32(4)),
    ],
    ["E2", "Shape", "reshape: cannot make [4, 2] (8 elements) from [2, 3] (6).", () => f32(2, 3).reshape(4, 2)],
    [
      "E5",
      "Shape",
      "tensor: nested arrays are ragged: row 1 has length 2, row 0 has 3.",
      () =>
        tensor([
          [1, 2, 3],
          [4, 5],
        ]),
    ],
    ["E6", "Shape", "tensor: shape [2, 2] needs 4 elements, data has 3.", () => tensor([1, 2, 3], { shape: [2, 2] })],
    [
      "E7",
      "DType",
      "tensor: BigInt64Array is not supported; use Int32Array or Float64Array.",
      () => tensor(wrong(new BigInt64Array(2))),
    ],
    [
      "E8",
      "DType",
      'tensor: dtype "float16" is unknown; use float32, float64, int32, uint32 or bool.',
      () => tensor([1], { dtype: wrong("float16") }),
    ],
    [
      "E9",
      "Domain",
      'tensor: element [1][0] is "3" (string); wants numbers or booleans.',
      () => tensor(wrong([[1], ["3"]])),
    ],
    ["E10", "Shape", "transpose: axes [0, 0] repeat axis 0.", () => f32(2, 3).transpose([0, 0])],
    ["E11", "Shape", "sum: axis 3 is out of range for rank 2 (wants -2..1).", () => f32(2, 3).sum(3)],
    [
      "E12",
      "Shape",
      "concat: tensor 1 has shape [3, 4], tensor 0 has [2, 5]; they may differ on axis 0 only.",
      () => curv.concat([f32(2, 5), f32(3, 4)]),
    ],
    ["E13", "Shape", "concat: got no tensors.", () => curv.concat([])],
    ["E15", "Domain", "slice: step must not be 0 (axis 1).", () => f32(2, 3).slice(null, [0, 2, 0])],
    ["E16", "Domain", "index 5 is out of range for axis 0 of length 3 (wants -3..2).", () => f32(3).slice(5)],
    ["E17", "DType", "take: indices are float32; wants int32 or uint32.", () => curv.take(f32(3), f32(2))],
    [
      "E18",
      "Domain",
      'take: index 9 at position [2] is out of range for axis 1 of length 4. Use mode "clip", "wrap" or "fill".',
      () => curv.take(f32(2, 4), [0, 1, 9], 1),
    ],
    [
      "E18 in jit",
      "Domain",
      'take: index 9 at position [2] is out of range for axis 1 of length 4. Use mode "clip", "wrap" or "fill".',
      () => jit((x: Tensor, i: Tensor) => curv.take(x, i, 1))(f32(2, 4), i32(0, 1, 9)),
    ],
    ["E19", "Shape", "matmul: inner sizes differ: [2, 3] by [4, 5].", () => f32(2, 3).matmul(f32(4, 5))],
    ["E20", "Shape", "matmul: got a scalar for the first argument; use mul.", () => f32().matmul(f32(2, 2))],
    [
      "E21",
      "Shape",
      'einsum: index "j" is 3 in operand 0 and 4 in operand 1.',
      () => curv.einsum("ij,jk->ik", f32(2, 3), f32(4, 5)),
    ],
    [
      "E22",
      "Domain",
      'einsum: "ij,jk->iz": output index "z" is in no operand.',
      () => curv.einsum("ij,jk->iz", f32(2, 3), f32(3, 5)),
    ],
    ["E23", "Shape", "conv: x has 6 channels, kernel wants 4 × 1 groups.", () => curv.conv(f32(1, 6, 5), f32(2, 4, 3))],
    [
      "E24",
      "Shape",
      "conv: window 5 is larger than padded input 3 on spatial axis 0.",
      () => curv.conv(f32(1, 1, 3), f32(1, 1, 5)),
    ],
    ["E26", "Domain", "max: axis 0 has length 0 and max has no identity.", () => f32(0, 2).max(0)],
    ["E27", "Domain", "topK: k = 7 exceeds axis length 5.", () => curv.topK(f32(5), 7)],
    [
      "E28",
      "DType",
      "mul: int32 tensor with the number 2.5; cast the tensor to float32 or use an integer.",
      () => i32(1, 2).mul(2.5),
    ],
    [
      "E29",
      "DType",
      "add: both operands are bool; use logicalOr, or cast to int32.",
      () => tensor([true]).add(tensor([false])),
    ],
    ["E30", "DType", "where: condition is float32; wants bool (x.notEqual(0)).", () => f32(2).where(1, 2)],
    ["E31", "Domain", "pow: int32 to the negative power -1; cast to float32.", () => i32(1, 2).pow(-1)],
    ["E36", "Backend", "add: tensor (shape [3]) was disposed.", () => f32(3).add(disposed())],
    [
      "E37",
      "Backend",
      'backend "cuda" is not registered; import "@curv/backend-cuda" and call use().',
      () => f32(3).to("cuda"),
    ],
    [
      "E38",
      "DType",
      "grad: argument 0 leaf params.step is int32; only float leaves can be differentiated. Pass it as a further argument.",
      () => grad((params: { w: Tensor; step: Tensor }) => params.w.sum())({ w: f32(2), step: i32(1) }),
    ],
    [
      "E39",
      "Shape",
      "grad: the function returned shape [3]; wants a scalar. Reduce it, or use jacrev or vjp.",
      () => grad(square)(f32(3)),
    ],
    [
      "E40",
      "Tree",
      "grad: the function returned {loss, aux}; wants a Tensor. Use {hasAux: true} and return [loss, aux].",
      () => grad(wrong((x: Tensor) => ({ loss: x.sum(), aux: x })))(wrong(f32(3))),
    ],
    [
      "E41",
      "Tracing",
      "mul: this value belongs to grad(loss), which has returned. Return it from the function instead of storing it outside.",
      () => leaked().mul(2),
    ],
    [
      "E42",
      "Tracing",
      "itemSync: the value is not known while jit traces; use cond, where or a static argument.",
      () => jit((x: Tensor) => x.mul(x.itemSync()))(f32()),
    ],
    [
      "E42 under vmap",
      "Tracing",
      "itemSync: the value is not known while vmap traces; use cond, where or a static argument.",
      () => vmap((x: Tensor) => x.mul(x.itemSync()))(f32(2)),
    ],
    [
      "E43",
      "Tracing",
      "grad: the function returned a Promise. Await before calling grad; traced functions must be synchronous.",
      () => grad(wrong(async (x: Tensor) => x.sum()))(wrong(f32(3))),
    ],
    [
      "E44",
      "Tracing",
      "a Tensor was used as a JavaScript number; use await x.item(), or greater(x, 0) instead of x > 0.",
      () => wrong(f32()) > 0,
    ],
    [
      "E45",
      "Tracing",
      "whileLoop: reverse mode needs a bound; pass {maxSteps}, or use scan or forLoop.",
      () =>
        grad((x: Tensor) =>
          curv.whileLoop(
            (c: Tensor) => c.less(9),
            (c: Tensor) => c.mul(2),
            x,
          ),
        )(curv.ones([])),
    ],
    [
      "E46",
      "Tree",
      "scan: carry changed: c.h was float32 [4], the body returned float64 [4].",
      () => curv.scan((c: { h: Tensor }, x: Tensor) => [{ h: c.h.cast("float64") }, x] as const, { h: f32(4) }, f32(2)),
    ],
    [
      "E47",
      "Tracing",
      "customVjp(f): differentiating with respect to a closed-over value; pass it as an argument.",
      () =>
        grad((a: Tensor) => {
          const f = (x: Tensor): Tensor => x.mul(a);
          return curv
            .customVjp(
              f,
              (x) => [f(x), x] as const,
              (_x, bar) => [bar],
            )(a)
            .sum();
        })(f32()),
    ],
    [
      "E48",
      "Tree",
      "customVjp(f): bwd returned 1 cotangents; f has 2 arguments.",
      () => {
        const f = (x: Tensor, y: Tensor): Tensor => x.mul(y);
        const g = curv.customVjp(
          f,
          (x, y) => [f(x, y), x] as const,
          wrong((x: Tensor, bar: Tensor) => [bar.mul(x)]),
        );
        return grad((x: Tensor) => g(x, x))(f32());
      },
    ],
    [
      "E49",
      "Tree",
      "cond: branches differ: true gives {a: [2]}, false gives {a: [3]}.",
      () =>
        jit((p: Tensor) =>
          curv.cond(
            p,
            () => ({ a: f32(2) }),
            () => ({ a: f32(3) }),
          ),
        )(tensor(true)),
    ],
    [
      "E50",
      "Shape",
      "vmap: sizes differ on the mapped axis: argument 0 has 8, argument 1.w has 6.",
      () => vmap((x: Tensor, p: { w: Tensor }) => x.add(p.w))(f32(8), { w: f32(6) }),
    ],
    [
      "E51",
      "Domain",
      "vmap: inAxes 2 is out of range for argument 0 of rank 2.",
      () => vmap(square, { inAxes: 2 })(f32(3, 3)),
    ],
    ["E52", "Shape", "jvp: tangent 0 has shape [2], primal has [3].", () => jvp(square, [f32(3)], [f32(2)])],
    [
      "E54",
      "Tree",
      "flatten: params.layers[2].stride is a number; leaves must be Tensors.",
      () => tree.flatten(wrong({ params: { layers: [f32(1), {}, { stride: 2 }] } })),
    ],
    [
      "E55",
      "Domain",
      "cholesky: matrix is not positive definite: pivot 17 is -3.1e-9. Add jitter (A + 1e-8·I) or check that A is symmetric.",
      () => linalg.cholesky(diagonal(...Array.from({ length: 20 }, (_, i) => (i === 17 ? -3.1e-9 : 1)))),
    ],
    [
      "E55 in jit",
      "Domain",
      "cholesky: matrix is not positive definite: pivot 1 is -2. Add jitter (A + 1e-8·I) or check that A is symmetric.",
      () => jit((a: Tensor) => linalg.cholesky(a))(diagonal(1, -2)),
    ],
    [
      "E56",
      "Domain",
      "solve: matrix is singular: pivot 3 is 0. Use lstsq, or add regularisation.",
      () => linalg.solve(diagonal(1, 2, 3, 0), curv.ones([4], { dtype: "float64" })),
    ],
    ["E65", "Domain", "eigh: input has NaN at [0, 2].", () => linalg.eigh(withNaN(2))],
  ]);
});

describe("more than one backend", () => {
  const webgpu = fakeDevice("webgpu");
  const gpujs = fakeDevice("gpujs");
  check([
    [
      "E33",
      "Backend",
      'add: operands live on cpu and webgpu; move one with .to("cpu").',
      () => f32(2).to("cpu").add(f32(2).to(webgpu)),
    ],
    [
      "E34",
      "Backend",
      'cholesky: gpujs does not support float64; cast with x.cast("float32"), or run on cpu, blas or cuda.',
      () => {
        curv.use(gpujs);
        try {
          return linalg.cholesky(tensor([[1]], { dtype: "float64" }));
        } finally {
          curv.use("cpu");
        }
      },
    ],
    [
      "E35",
      "Backend",
      "dataSync: webgpu cannot read synchronously; use await x.data().",
      () => f32(2).to(webgpu).dataSync(),
    ],
    [
      "E35 of arraySync",
      "Backend",
      "arraySync: webgpu cannot read synchronously; use await x.array().",
      () => f32(2).to(webgpu).arraySync(),
    ],
    [
      "E35 of itemSync",
      "Backend",
      "itemSync: webgpu cannot read synchronously; use await x.item().",
      () => f32().to(webgpu).itemSync(),
    ],
    [
      "float64 to a device without it",
      "Backend",
      'to: webgpu does not support float64; cast with x.cast("float32") first.',
      () => zeros([2], { dtype: "float64" }).to(webgpu),
    ],
    [
      "E33 three of them",
      "Backend",
      'concat: operands live on webgpu and gpujs; move one with .to("webgpu").',
      () => curv.concat([f32(1), f32(1).to(webgpu), f32(1).to(gpujs)]),
    ],
    [
      "E33 in where",
      "Backend",
      'select: operands live on cpu and webgpu; move one with .to("cpu").',
      () => curv.where(tensor(true), f32(2).to("cpu"), f32(2).to(webgpu)),
    ],
    [
      "to what is no backend",
      "Backend",
      "backend is undefined; wants the name of one that is registered, or a backend.",
      () => f32(2).to(undefined as never),
    ],
    [
      "use of a name that is unknown",
      "Backend",
      'backend "metal" is not registered; import "@curv/backend-metal" and call use().',
      () => curv.use("metal"),
    ],
    [
      "mixed dtypes on a device without float64",
      "Backend",
      'cast: webgpu does not support float64; cast with x.cast("float32"), or run on cpu, blas or cuda.',
      () =>
        f32(2)
          .to(webgpu)
          .add(zeros([2], { dtype: "float64" })),
    ],
  ]);
});

describe("making tensors", () => {
  check([
    [
      "nothing",
      "Domain",
      "tensor: data is undefined; wants numbers, booleans, nested arrays of them or a typed array.",
      () => tensor(wrong(undefined)),
    ],
    [
      "a string",
      "Domain",
      'tensor: data is "3" (string); wants numbers, booleans, nested arrays of them or a typed array.',
      () => tensor(wrong("3")),
    ],
    [
      "an object",
      "Domain",
      "tensor: data is an Object; wants numbers, booleans, nested arrays of them or a typed array.",
      () => tensor(wrong({ a: 1 })),
    ],
    [
      "a hole",
      "Domain",
      "tensor: element [1] is null (object); wants numbers or booleans.",
      () => tensor(wrong([1, null])),
    ],
    [
      "a number beside a row",
      "Shape",
      "tensor: nested arrays are ragged: row 1 is a number, row 0 has length 1.",
      () => tensor([[1], 2]),
    ],
    [
      "a row beside a number",
      "Shape",
      "tensor: nested arrays are ragged: row 1 has length 1, row 0 is a number.",
      () => tensor([1, [2]]),
    ],
    [
      "ragged inside",
      "Shape",
      "tensor: nested arrays are ragged: row [1][0] has length 1, row [0][0] has 2.",
      () => tensor([[[1, 2]], [[3]]]),
    ],
    [
      "a negative length",
      "Shape",
      "tensor: shape [-1] has length -1; wants integers >= 0.",
      () => tensor([1], { shape: [-1] }),
    ],
    ["a fractional length", "Shape", "zeros: shape [1.5] has length 1.5; wants integers >= 0.", () => zeros([1.5])],
    ["a shape that is a number", "Shape", "zeros: shape is number; wants an array of lengths.", () => zeros(wrong(3))],
    [
      "too large",
      "Domain",
      "ones: shape [65536, 65537] has 4295032832 elements; at most 2^32.",
      () => curv.ones([65536, 65537]),
    ],
    [
      "a dtype of zeros",
      "DType",
      'zeros: dtype "int64" is unknown; use float32, float64, int32, uint32 or bool.',
      () => zeros([1], { dtype: wrong("int64") }),
    ],
    [
      "a dtype of eye",
      "DType",
      'eye: dtype "int8" is unknown; use float32, float64, int32, uint32 or bool.',
      () => curv.eye(2, 2, { dtype: wrong("int8") }),
    ],
    [
      "a dtype of oneHot",
      "DType",
      'oneHot: dtype "int8" is unknown; use float32, float64, int32, uint32 or bool.',
      () => curv.oneHot(i32(1), 2, { dtype: wrong("int8") }),
    ],
    ["depth of oneHot", "Domain", "oneHot: depth is -1; wants an integer >= 0.", () => curv.oneHot(i32(1), -1)],
    ["indices of oneHot", "DType", "oneHot: indices are float32; wants int32 or uint32.", () => curv.oneHot(f32(1), 2)],
    [
      "step 0",
      "Domain",
      "arange: start 0, stop 4, step 0; wants finite numbers and a step that is not 0.",
      () => curv.arange(0, 4, 0),
    ],
    [
      "an infinite range",
      "Domain",
      "arange: start 0, stop Infinity, step 1; wants finite numbers and a step that is not 0.",
      () => curv.arange(Infinity),
    ],
    ["count of linspace", "Domain", "linspace: count is 2.5; wants an integer >= 0.", () => curv.linspace(0, 1, 2.5)],
    [
      "dtype of linspace",
      "DType",
      "linspace: dtype is int32; wants float32 or float64.",
      () => curv.linspace(0, 1, 2, { dtype: "int32" }),
    ],
    ["size of eye", "Shape", "eye: shape [-1, -1] has length -1; wants integers >= 0.", () => curv.eye(-1)],
    [
      "the default dtype",
      "DType",
      'setDefaultDType: got "int32"; wants float32 or float64.',
      () => curv.setDefaultDType(wrong("int32")),
    ],
    [
      "a matrix for meshgrid",
      "Shape",
      "meshgrid: axis 1 has shape [2, 2]; wants one axis.",
      () => curv.meshgrid(f32(2), f32(2, 2)),
    ],
    ["tril of a vector", "Shape", "tril: x has shape [3]; wants at least two axes.", () => curv.tril(f32(3))],
    [
      "a tensor of another copy",
      "Backend",
      "a Tensor made by another copy of @curv/tensor (version 9.9.9) met this one (version 0.1.0); install one copy.",
      () => f32(1).add(wrong({ [Symbol.for("curv.tensor")]: "9.9.9" })),
    ],
  ]);
});

describe("operands", () => {
  check([
    ["a string", "Domain", 'add: y is "3" (string); wants a Tensor or a number.', () => f32(1).add(wrong("3"))],
    [
      "an array",
      "Domain",
      "mul: y is an array (make a tensor of it with tensor(…)); wants a Tensor or a number.",
      () => f32(1).mul(wrong([1])),
    ],
    ["null", "Domain", "sub: x is null; wants a Tensor or a number.", () => curv.sub(wrong(null), f32(1))],
    ["undefined", "Domain", "exp: x is undefined; wants a Tensor or a number.", () => curv.exp(wrong(undefined))],
    [
      "an array for div",
      "Domain",
      "div: y is an array (make a tensor of it with tensor(…)); wants a Tensor or a number.",
      () => f32(1).div(wrong([1])),
    ],
    [
      "names of comparisons",
      "Shape",
      "greater: shapes [2, 3] and [4] do not broadcast: last axis is 3 against 4.",
      () => f32(2, 3).greater(f32(4)),
    ],
    [
      "names of comparisons",
      "Shape",
      "greaterEqual: shapes [2, 3] and [4, 1, 2] do not broadcast: last axis is 3 against 2.",
      () => f32(2, 3).greaterEqual(f32(4, 1, 2)),
    ],
    [
      "an inner axis",
      "Shape",
      "less: shapes [2, 3] and [4, 3] do not broadcast: axis -2 is 2 against 4.",
      () => f32(2, 3).less(f32(4, 3)),
    ],
    [
      "a negative number with uint32",
      "DType",
      "add: uint32 tensor with the number -1, which uint32 cannot hold; cast the tensor to float64.",
      () => tensor(Uint32Array.of(1)).add(-1),
    ],
    [
      "a large number with int32",
      "DType",
      "add: int32 tensor with the number 3000000000, which int32 cannot hold; cast the tensor to float64.",
      () => i32(1).add(3e9),
    ],
    [
      "NaN with int32",
      "DType",
      "maximum: int32 tensor with the number NaN; cast the tensor to float32 or use an integer.",
      () => i32(1).maximum(NaN),
    ],
    [
      "a bool and a bool",
      "DType",
      "mul: both operands are bool; use logicalAnd, or cast to int32.",
      () => tensor([true]).mul(tensor([true])),
    ],
    [
      "a bool and true",
      "DType",
      "sub: both operands are bool; use logicalXor, or cast to int32.",
      () => tensor([true]).sub(true),
    ],
    [
      "true and a bool",
      "DType",
      "add: both operands are bool; use logicalOr, or cast to int32.",
      () => curv.add(true, tensor([true])),
    ],
    ["−bool", "DType", "neg: x is bool; cast to int32 or float32.", () => tensor([true]).neg()],
    [
      "logic of floats",
      "DType",
      "logicalAnd: operand is float32; wants bool (x.notEqual(0)).",
      () => curv.logicalAnd(tensor(true), f32(1)),
    ],
    [
      "bits of floats",
      "DType",
      "bitwiseAnd: operands are float32; wants int32, uint32 or bool.",
      () => curv.bitwiseAnd(f32(1), i32(1)),
    ],
    [
      "bits of floats",
      "DType",
      "bitwiseNot: x is float32; wants int32, uint32 or bool.",
      () => curv.bitwiseNot(f32(1)),
    ],
    [
      "a shift of floats",
      "DType",
      "shiftLeft: operands are float32; wants int32 or uint32.",
      () => curv.shiftLeft(f32(1), 1),
    ],
    ["negative order", "Domain", "polygamma: order n is -1; wants an integer >= 0.", () => curv.polygamma(-1, f32(1))],
    [
      "cast",
      "DType",
      'cast: dtype "complex64" is unknown; use float32, float64, int32, uint32 or bool.',
      () => f32(1).cast(wrong("complex64")),
    ],
    [
      "bitcast",
      "DType",
      "bitcast: float32 has 4 bytes, float64 8; wants equal sizes.",
      () => curv.bitcast(f32(1), "float64"),
    ],
    [
      "limits of clip",
      "Shape",
      "clip: shapes [2, 3] and [4] do not broadcast: last axis is 3 against 4.",
      () => curv.clip(f32(2, 3), f32(4), 1),
    ],
    ["a disposed operand", "Backend", "tanh: tensor (shape [3]) was disposed.", () => disposed().tanh()],
    ["a disposed operand", "Backend", "dot: tensor (shape [3]) was disposed.", () => disposed().matmul(f32(3))],
    ["a disposed tensor read", "Backend", "dataSync: tensor (shape [3]) was disposed.", () => disposed().dataSync()],
    ["item of three", "Shape", "itemSync: tensor has shape [3]; wants one element.", () => f32(3).itemSync()],
    [
      "x + 1",
      "Tracing",
      "a Tensor was used as a JavaScript number; use await x.item(), or greater(x, 0) instead of x > 0.",
      () => wrong(f32()) + 1,
    ],
    [
      "Number(x)",
      "Tracing",
      "a Tensor was used as a JavaScript number; use await x.item(), or greater(x, 0) instead of x > 0.",
      () => Number(f32()),
    ],
  ]);
});

describe("movement and indexing", () => {
  check([
    ["two unknown lengths", "Shape", "reshape: [-1, -1] has more than one -1.", () => f32(4).reshape(-1, -1)],
    [
      "an unknown length that does not fit",
      "Shape",
      "reshape: cannot make [-1, 4] from [2, 3] (6 elements).",
      () => f32(2, 3).reshape(-1, 4),
    ],
    [
      "an unknown length of nothing",
      "Shape",
      "reshape: cannot make [-1, 0] from [0] (0 elements).",
      () => f32(0).reshape(-1, 0),
    ],
    [
      "a negative length",
      "Shape",
      "reshape: shape [-2, -3] has length -2; wants integers >= 0.",
      () => f32(2, 3).reshape(-2, -3),
    ],
    ["too few axes", "Shape", "transpose: axes [1, 0] name 2 axes; x has 3.", () => f32(2, 3, 4).transpose([1, 0])],
    ["T of a vector", "Shape", "T: x has shape [3]; wants at least two axes.", () => f32(3).T],
    ["broadcastTo", "Shape", "broadcastTo: [2, 3] does not broadcast to [2, 4].", () => f32(2, 3).broadcastTo([2, 4])],
    [
      "broadcastTo fewer axes",
      "Shape",
      "broadcastTo: [2, 3] does not broadcast to [3].",
      () => f32(2, 3).broadcastTo([3]),
    ],
    ["expandDims", "Shape", "expandDims: axis 3 is out of range for rank 2 (wants -2..1).", () => f32(2).expandDims(3)],
    ["squeeze", "Shape", "squeeze: axis 0 of [2, 1] has length 2; wants 1.", () => f32(2, 1).squeeze(0)],
    [
      "moveAxis",
      "Shape",
      "moveAxis: axis 2 is out of range for rank 2 (wants -2..1).",
      () => curv.moveAxis(f32(2, 3), 0, 2),
    ],
    ["pad axes", "Shape", "pad: padding names 1 axes; x has shape [2, 3].", () => curv.pad(f32(2, 3), [[1, 1]])],
    [
      "pad counts",
      "Domain",
      "pad: padding of axis 0 is [0.5, 1, 0]; wants integers, the third >= 0.",
      () => curv.pad(f32(2), [[0.5, 1]]),
    ],
    [
      "pad between",
      "Domain",
      "pad: padding of axis 0 is [0, 0, -1]; wants integers, the third >= 0.",
      () => curv.pad(f32(2), [[0, 0, -1]]),
    ],
    [
      "pad below nothing",
      "Shape",
      "pad: padding of axis 0 is [-2, -1, 0], which leaves -1 of 2 elements.",
      () => curv.pad(f32(2), [[-2, -1]]),
    ],
    ["pad value", "Shape", "pad: value has shape [1]; wants a scalar.", () => curv.pad(f32(2), [[1, 1]], f32(1))],
    [
      "stack",
      "Shape",
      "stack: tensor 1 has shape [3], tensor 0 has [2]; they must be equal.",
      () => curv.stack([f32(2), f32(3)]),
    ],
    ["stack of nothing", "Shape", "stack: got no tensors.", () => curv.stack([])],
    [
      "concat axis",
      "Shape",
      "concat: axis 1 is out of range for rank 1 (wants -1..0).",
      () => curv.concat([f32(2), f32(3)], 1),
    ],
    [
      "concat of scalars",
      "Shape",
      "concat: axis 0 is out of range for rank 0 (a scalar has no axes).",
      () => curv.concat([f32(), f32()]),
    ],
    [
      "concat of a number",
      "Domain",
      "concat: tensor 1 is an array (make a tensor of it with tensor(…)); wants a Tensor or a number.",
      () => curv.concat([f32(2), wrong([1])]),
    ],
    [
      "split parts",
      "Shape",
      "split: axis 0 of length 4 cannot be cut into 3 equal parts.",
      () => curv.split(f32(4), 3),
    ],
    ["split lengths", "Shape", "split: lengths [1, 2] sum to 3; axis 0 has 4.", () => curv.split(f32(4), [1, 2])],
    [
      "split with a negative length",
      "Domain",
      "split: lengths are [5, -1]; wants integers >= 0.",
      () => curv.split(f32(4), [5, -1]),
    ],
    ["tile", "Domain", "tile: counts are [-1]; wants integers >= 0.", () => curv.tile(f32(2), -1)],
    ["repeat", "Domain", "repeat: count is 1.5; wants an integer >= 0.", () => curv.repeat(f32(2), 1.5)],
    ["roll", "Domain", "roll: 2 shifts for 1 axes.", () => curv.roll(f32(2, 2), [1, 1], 0)],
    ["roll by a fraction", "Domain", "roll: shift is 0.5; wants an integer.", () => curv.roll(f32(2), 0.5, 0)],
    ["flip", "Shape", "flip: axes [0, -2] repeat axis 0.", () => curv.flip(f32(2, 2), [0, -2])],
    ["too many indices", "Shape", "slice: 3 indices for a tensor of shape [2, 3].", () => f32(2, 3).slice(0, 0, 0)],
    ["two ellipses", "Shape", 'slice: more than one "...".', () => f32(2, 3).slice("...", "...")],
    ["a fraction in a range", "Domain", "slice: 0.5 on axis 0 is not an integer.", () => f32(2).slice([0.5, 1])],
    ["a fraction as an index", "Domain", "slice: index 0.5 on axis 0 is not an integer.", () => f32(2).slice(0.5)],
    [
      "undefined as an index",
      "Domain",
      'slice: index undefined on axis 0; wants a number, [start, stop, step], null or "...".',
      () => f32(2).slice(wrong(undefined)),
    ],
    ["an index of a scalar", "Shape", "slice: 1 indices for a tensor of shape [].", () => f32().slice(0)],
    ["at", "Domain", "index -3 is out of range for axis 1 of length 2 (wants -2..1).", () => curv.at(f32(3, 2), -3, 1)],
    [
      "take by fractions",
      "DType",
      "take: indices are not integers; wants int32 or uint32.",
      () => curv.take(f32(3), [0.5]),
    ],
    ["take by a fraction", "DType", "take: index 0.5 is not an integer.", () => curv.take(f32(3), 0.5)],
    [
      "mode of take",
      "Domain",
      'take: mode is "nearest"; wants "error", "clip", "wrap" or "fill".',
      () => curv.take(f32(3), [0], 0, { mode: wrong("nearest") }),
    ],
    [
      "take from nothing",
      "Domain",
      'take: index 0 at position [0] is out of range for axis 0 of length 0. Use mode "clip", "wrap" or "fill".',
      () => curv.take(f32(0), [0]),
    ],
    [
      "takeAlong axes",
      "Shape",
      "takeAlong: indices have shape [2]; wants as many axes as x of [2, 3].",
      () => curv.takeAlong(f32(2, 3), i32(0, 1), 1),
    ],
    [
      "takeAlong shapes",
      "Shape",
      "takeAlong: indices have shape [3, 1]; they must broadcast with x of [2, 3] on all axes but 1.",
      () => curv.takeAlong(f32(2, 3), tensor(Int32Array.of(0, 0, 0), { shape: [3, 1] }), 1),
    ],
    [
      "gatherND depth",
      "Shape",
      "gatherND: indices have shape [3]; the last axis must be 1..2 coordinates.",
      () => curv.gatherND(f32(2, 3), i32(0, 1, 2)),
    ],
    [
      "gatherND outside",
      "Domain",
      'gatherND: index 3 at position [] is out of range for axis 1 of length 3. Use mode "clip", "wrap" or "fill".',
      () => curv.gatherND(f32(2, 3), i32(0, 3)),
    ],
    [
      "scatter updates",
      "Shape",
      "scatterAdd: updates have shape [4]; wants [2] or what broadcasts to it.",
      () => curv.scatterAdd(f32(5), tensor(Int32Array.of(0, 1), { shape: [2, 1] }), f32(4)),
    ],
    [
      "searchSorted edges",
      "Shape",
      "searchSorted: edges have shape [2, 2]; wants one axis.",
      () => curv.searchSorted(f32(2, 2), 1),
    ],
    [
      "searchSorted side",
      "Domain",
      'searchSorted: side is "middle"; wants "left" or "right".',
      () => curv.searchSorted(f32(2), 1, wrong("middle")),
    ],
    [
      "dynamicSlice",
      "Shape",
      "dynamicSlice: a window of [4] does not fit into [3].",
      () => curv.dynamicSlice(f32(3), [0], [4]),
    ],
    [
      "dynamicSlice starts",
      "Shape",
      "dynamicSlice: starts have shape [1]; wants [2], one for each axis.",
      () => curv.dynamicSlice(f32(3, 3), [0], [1, 1]),
    ],
    ["diag of a scalar", "Shape", "diag: x is a scalar; wants a vector.", () => curv.diag(f32())],
    ["trace of a vector", "Shape", "trace: x has shape [3]; wants at least two axes.", () => curv.trace(f32(3))],
    [
      "addIdentity",
      "Shape",
      "addIdentity: x has shape [2, 3]; wants square matrices.",
      () => curv.addIdentity(f32(2, 3)),
    ],
    [
      "unstack of a scalar",
      "Shape",
      "unstack: axis 0 is out of range for rank 0 (a scalar has no axes).",
      () => curv.unstack(f32()),
    ],
  ]);
});

describe("reductions, sorting and contractions", () => {
  check([
    ["an array", "Domain", "sum: x is no Tensor; make one with tensor(…).", () => curv.sum(wrong([1, 2]))],
    ["an array", "Domain", "softmax: x is no Tensor; make one with tensor(…).", () => curv.softmax(wrong([1, 2]))],
    ["a number", "Domain", "max: x is no Tensor; make one with tensor(…).", () => curv.max(wrong(3), 0)],
    ["an array", "Domain", "sort: x is no Tensor; make one with tensor(…).", () => curv.sort(wrong([1, 2]))],
    ["an array", "Domain", "flip: x is no Tensor; make one with tensor(…).", () => curv.flip(wrong([1, 2]))],
    ["repeated axes", "Shape", "mean: axes [0, -1] repeat axis 0.", () => f32(3).mean([0, -1])],
    ["variance", "Shape", "variance: axis 2 is out of range for rank 1 (wants -1..0).", () => curv.variance(f32(3), 2)],
    [
      "standardDeviation",
      "Shape",
      "standardDeviation: axis 2 is out of range for rank 1 (wants -1..0).",
      () => curv.standardDeviation(f32(3), 2),
    ],
    [
      "softmax of a scalar",
      "Shape",
      "softmax: axis -1 is out of range for rank 0 (a scalar has no axes).",
      () => curv.softmax(f32()),
    ],
    [
      "logSoftmax",
      "Shape",
      "logSoftmax: axis 1 is out of range for rank 1 (wants -1..0).",
      () => curv.logSoftmax(f32(2), 1),
    ],
    [
      "countNonZero",
      "Shape",
      "countNonZero: axis 1 is out of range for rank 1 (wants -1..0).",
      () => curv.countNonZero(f32(2), 1),
    ],
    ["any of floats", "DType", "any: x is float32; wants bool (x.notEqual(0)).", () => f32(2).any()],
    ["min of nothing", "Domain", "min: axis 1 has length 0 and min has no identity.", () => f32(2, 0).min()],
    ["argMax of nothing", "Domain", "argMax: axis 0 has length 0 and argMax has no identity.", () => f32(0).argMax()],
    ["argMin axis", "Shape", "argMin: axis 1 is out of range for rank 1 (wants -1..0).", () => f32(2).argMin(1)],
    ["k of topK", "Domain", "topK: k is 1.5; wants an integer >= 0.", () => curv.topK(f32(3), 1.5)],
    [
      "sort of a scalar",
      "Shape",
      "sort: axis -1 is out of range for rank 0 (a scalar has no axes).",
      () => curv.sort(f32()),
    ],
    ["cumsum", "Shape", "cumsum: axis 1 is out of range for rank 1 (wants -1..0).", () => curv.cumsum(f32(3), 1)],
    [
      "linearRecurrence",
      "Shape",
      "linearRecurrence: a has shape [2], b has [3]; they must be equal.",
      () => curv.linearRecurrence(f32(2), f32(3), 0),
    ],
    [
      "logCumSumExp",
      "DType",
      "logCumSumExp: x is int32; wants float32 or float64.",
      () => curv.logCumSumExp(i32(1), 0),
    ],
    [
      "a scalar on the right",
      "Shape",
      "matmul: got a scalar for the second argument; use mul.",
      () => f32(2).matmul(f32()),
    ],
    [
      "batches of matmul",
      "Shape",
      "matmul: shapes [2, 3, 3] and [4, 3, 3] do not broadcast: axis -3 is 2 against 4.",
      () => f32(2, 3, 3).matmul(f32(4, 3, 3)),
    ],
    [
      "a number for matmul",
      "Domain",
      "matmul: y is an array (make a tensor of it with tensor(…)); wants a Tensor or a number.",
      () => f32(2).matmul(wrong([1, 2])),
    ],
    ["dot", "Shape", "dot: inner sizes differ: [2] by [3].", () => f32(2).dot(f32(3))],
    [
      "vecdot",
      "Shape",
      "vecdot: shapes [2] and [3] do not broadcast: last axis is 2 against 3.",
      () => curv.vecdot(f32(2), f32(3)),
    ],
    [
      "tensordot lengths",
      "Shape",
      "tensordot: axis 1 of x has length 3, axis 0 of y has 4.",
      () => curv.tensordot(f32(2, 3), f32(4), 1),
    ],
    [
      "tensordot axes",
      "Shape",
      "tensordot: 1 axes of x against 0 of y.",
      () => curv.tensordot(f32(2), f32(2), [[0], []]),
    ],
    [
      "tensordot count",
      "Domain",
      "tensordot: axes is 3; wants 0 to 1, the smaller rank.",
      () => curv.tensordot(f32(2), f32(2, 2), 3),
    ],
    ["einsum operands", "Domain", 'einsum: "ij,jk" has 2 operands, got 1.', () => curv.einsum("ij,jk", f32(2, 2))],
    ["einsum rank", "Shape", 'einsum: operand 0 has 2 axes, "i" names 1.', () => curv.einsum("i->i", f32(2, 2))],
    ["einsum letter", "Domain", 'einsum: "i1->i": "1" is no index.', () => curv.einsum("i1->i", f32(2, 2))],
    [
      "einsum output twice",
      "Domain",
      'einsum: "i->ii": output index "i" appears twice.',
      () => curv.einsum("i->ii", f32(2)),
    ],
    ["einsum arrows", "Domain", 'einsum: "i->i->i" has more than one "->".', () => curv.einsum("i->i->i", f32(2))],
    [
      "einsum equation",
      "Domain",
      "einsum: equation is a Tensor; wants a string.",
      () => curv.einsum(wrong(f32(2)), f32(2)),
    ],
    [
      "einsum dots",
      "Shape",
      'einsum: index "..." is 2 in operand 0 and 3 in operand 1.',
      () => curv.einsum("...i,...i->...", f32(2, 4), f32(3, 4)),
    ],
    [
      "einsum dots dropped",
      "Domain",
      'einsum: "...i->i": the result lacks "...", which operands have.',
      () => curv.einsum("...i->i", f32(2, 4)),
    ],
  ]);
});

describe("convolutions and pooling", () => {
  check([
    [
      "integers",
      "DType",
      "conv: operands are int32; wants float32 or float64.",
      () => curv.conv(zeros([1, 1, 3], { dtype: "int32" }), zeros([1, 1, 2], { dtype: "int32" })),
    ],
    [
      "ranks",
      "Shape",
      "conv: x has shape [1, 3] and kernel [1, 1, 2]; wants [N, C, …] and [O, C/groups, …] with the same 1 to 3 spatial axes.",
      () => curv.conv(f32(1, 3), f32(1, 1, 2)),
    ],
    [
      "stride",
      "Domain",
      "conv: stride is 0; wants an integer >= 1.",
      () => curv.conv(f32(1, 1, 3), f32(1, 1, 2), { stride: 0 }),
    ],
    [
      "strides",
      "Shape",
      "conv: stride has 2 entries for 1 spatial axes.",
      () => curv.conv(f32(1, 1, 3), f32(1, 1, 2), { stride: [1, 1] }),
    ],
    [
      "padding name",
      "Domain",
      'conv: padding is "full"; wants "valid", "same", an integer or a pair for each spatial axis.',
      () => curv.conv(f32(1, 1, 3), f32(1, 1, 2), { padding: wrong("full") }),
    ],
    [
      "padding entries",
      "Shape",
      "conv: padding has 2 entries for 1 spatial axes.",
      () =>
        curv.conv(f32(1, 1, 3), f32(1, 1, 2), {
          padding: [
            [0, 0],
            [0, 0],
          ],
        }),
    ],
    [
      "padding pairs",
      "Domain",
      "conv: padding entry [1] is no pair of integers.",
      () => curv.conv(f32(1, 1, 3), f32(1, 1, 2), { padding: wrong([[1]]) }),
    ],
    [
      "padding numbers",
      "Domain",
      'conv: padding is 0.5; wants "valid", "same", an integer or a pair for each spatial axis.',
      () => curv.conv(f32(1, 1, 3), f32(1, 1, 2), { padding: 0.5 }),
    ],
    [
      "groups",
      "Shape",
      "conv: kernel has 3 outputs, which 2 groups do not divide.",
      () => curv.conv(f32(1, 4, 3), f32(3, 2, 2), { groups: 2 }),
    ],
    [
      "channels of convTranspose",
      "Shape",
      "convTranspose: x has 2 channels, kernel has 3 in 1 groups.",
      () => curv.convTranspose(f32(1, 2, 3), f32(3, 1, 2)),
    ],
    [
      "outputPadding",
      "Domain",
      "convTranspose: outputPadding is 2; wants an integer from 0 to 1, less than the stride or the dilation.",
      () => curv.convTranspose(f32(1, 1, 3), f32(1, 1, 2), { stride: 2, outputPadding: 2 }),
    ],
    [
      "no window",
      "Domain",
      "maxPool: window is undefined; wants an integer >= 1 or one for each spatial axis.",
      () => curv.maxPool(f32(1, 1, 3), wrong({})),
    ],
    [
      "a window that is too large",
      "Shape",
      "avgPool: window 4 is larger than padded input 3 on spatial axis 0.",
      () => curv.avgPool(f32(1, 1, 3), { window: 4 }),
    ],
    [
      "pooling integers",
      "DType",
      "maxPool: x is int32; wants float32 or float64.",
      () => curv.maxPool(zeros([1, 1, 3], { dtype: "int32" }), { window: 2 }),
    ],
    [
      "no spatial axes",
      "Shape",
      "sumPool: x has shape [2, 3]; wants [N, C, …] with spatial axes.",
      () => curv.sumPool(f32(2, 3), { window: 2 }),
    ],
  ]);
});

describe("transformations", () => {
  const promise = "the function returned a Promise. Await before calling";
  const later = wrong(async (x: Tensor) => x);
  check([
    ["grad of a number", "Domain", "grad: f is number; wants a function.", () => grad(wrong(3))(wrong(f32()))],
    ["jit of nothing", "Domain", "jit: f is undefined; wants a function.", () => jit(wrong(undefined))],
    ["vmap of a tensor", "Domain", "vmap: f is a Tensor; wants a function.", () => vmap(wrong(f32(2)))(wrong(f32(2)))],
    [
      "argnums",
      "Tree",
      "grad: argnums names argument 1; the call has 1.",
      () => grad((x: Tensor) => x.sum(), { argnums: 1 })(f32(2)),
    ],
    [
      "hasAux",
      "Tree",
      "grad: with {hasAux: true} the function must return [loss, aux].",
      () =>
        grad(
          wrong((x: Tensor) => x.sum()),
          { hasAux: true },
        )(wrong(f32(2))),
    ],
    [
      "an integer loss",
      "DType",
      "valueAndGrad: the function returned int32; wants a float scalar.",
      () => curv.valueAndGrad((x: Tensor) => x.greater(0).sum())(f32(2)),
    ],
    [
      "no loss",
      "Tree",
      "grad: the function returned undefined; wants a Tensor. Use {hasAux: true} and return [loss, aux].",
      () => grad(wrong(() => undefined))(wrong(f32(2))),
    ],
    [
      "a number as a loss",
      "Tree",
      "grad: the function returned 3; wants a Tensor. Use {hasAux: true} and return [loss, aux].",
      () => grad(wrong(() => 3))(wrong(f32(2))),
    ],
    [
      "a number leaf",
      "Tree",
      "grad: p.rate is a number; leaves must be Tensors.",
      () => grad(wrong((p: { w: Tensor }) => p.w.sum()))(wrong({ w: f32(1), rate: 0.1 })),
    ],
    [
      "jacfwd of integers",
      "DType",
      "jacfwd: argument 0 leaf x is int32; only float leaves can be differentiated. Pass it as a further argument.",
      () => curv.jacfwd(square)(i32(1)),
    ],
    [
      "jacrev of a tree",
      "Tree",
      "jacrev: the function did not return a Tensor.",
      () => curv.jacrev(wrong((x: Tensor) => [x]))(f32(2)),
    ],
    [
      "hessian of a vector",
      "Shape",
      "grad: the function returned shape [2]; wants a scalar. Reduce it, or use jacrev or vjp.",
      () => curv.hessian(square)(f32(2)),
    ],
    [
      "hvp along another shape",
      "Shape",
      "jvp: tangent 0 has shape [3], primal has [2].",
      () => curv.hvp((x: Tensor) => x.square().sum(), f32(2), f32(3)),
    ],
    [
      "tangent dtype",
      "DType",
      "jvp: tangent 0 is float64, primal is float32; cast one of them.",
      () => jvp(square, [f32(2)], [zeros([2], { dtype: "float64" })]),
    ],
    [
      "tangent structure",
      "Tree",
      "jvp: structures differ: tangents[1] is missing, primals[1] is a Tensor.",
      () => jvp((x: Tensor, y: Tensor) => x.add(y), [f32(2), f32(2)], wrong([f32(2)])),
    ],
    [
      "cotangent shape",
      "Shape",
      "pullback: cotangent 0 has shape [3]; wants [2].",
      () => curv.vjp(square, f32(2)).pullback(f32(3)),
    ],
    [
      "cotangent dtype",
      "DType",
      "pullback: cotangent 0 is int32; wants float32.",
      () => curv.vjp(square, f32(2)).pullback(i32(1, 2)),
    ],
    [
      "linearize",
      "Shape",
      "linear: tangent 0 has shape [3]; wants [2].",
      () => curv.linearize(square, f32(2)).linear(f32(3)),
    ],
    [
      "transpose of what is not linear",
      "Tracing",
      "linearTranspose(anonymous): sin is not linear, or has no transpose rule.",
      () =>
        curv.linearTranspose(
          ((f) => f)((x: Tensor) => x.sin()),
          f32(2),
        )(f32(2)),
    ],
    [
      "jvp of a promise",
      "Tracing",
      `jvp: ${promise} jvp; traced functions must be synchronous.`,
      () => jvp(later, [f32(2)] as never, [f32(2)] as never),
    ],
    [
      "vjp of a promise",
      "Tracing",
      `vjp: ${promise} vjp; traced functions must be synchronous.`,
      () => curv.vjp(later, wrong(f32(2))),
    ],
    [
      "vmap of a promise",
      "Tracing",
      `vmap: ${promise} vmap; traced functions must be synchronous.`,
      () => vmap(later)(wrong(f32(2))),
    ],
    [
      "jit of a promise",
      "Tracing",
      `jit: ${promise} jit; traced functions must be synchronous.`,
      () => jit(later)(wrong(f32(2))),
    ],
    [
      "scan of a promise",
      "Tracing",
      `scan: ${promise} scan; traced functions must be synchronous.`,
      () => curv.scan(later, f32(2), f32(2)),
    ],
    [
      "tidy of a promise",
      "Tracing",
      "tidy: the function returned a Promise; what it awaits would outlive the scope. Await first, tidy the rest.",
      () => curv.tidy(wrong(async () => f32(1))),
    ],
    [
      "inAxes entries",
      "Domain",
      "vmap: inAxes has 1 entries for 2 arguments.",
      () => vmap((x: Tensor, y: Tensor) => x.add(y), { inAxes: [0] })(f32(2), f32(2)),
    ],
    [
      "nothing mapped",
      "Domain",
      "vmap: no argument is mapped; give axisSize.",
      () => vmap(square, { inAxes: [null] })(f32(2)),
    ],
    [
      "outAxes null",
      "Domain",
      "vmap: outAxes is null for a result that depends on the mapped axis.",
      () => vmap(square, { outAxes: null })(f32(2)),
    ],
    [
      "inAxes structure",
      "Tree",
      'vmap: inAxes[0] has no entry for "b".',
      () => vmap((p: { a: Tensor; b: Tensor }) => p.a.add(p.b), { inAxes: [{ a: 0 }] })({ a: f32(2), b: f32(2) }),
    ],
    [
      "axisSize",
      "Shape",
      "vmap: sizes differ on the mapped axis: axisSize has 3, argument 0 has 2.",
      () => vmap(square, { axisSize: 3 })(f32(2)),
    ],
    [
      "outAxes range",
      "Domain",
      "vmap: outAxes 2 is out of range for a result of rank 1.",
      () => vmap(square, { outAxes: 2 })(f32(2)),
    ],
    [
      "jit of a function argument",
      "Tree",
      "jit: arguments[1] is a function; wants tensors, numbers, booleans or strings. Name it in staticArgs.",
      () => jit((x: Tensor, f: (x: Tensor) => Tensor) => f(x))(f32(2), square),
    ],
    [
      "a result of jit",
      "Tree",
      "jit: the result.size is a number; leaves must be Tensors.",
      () => jit(wrong((x: Tensor) => ({ x, size: 3 })))(wrong(f32(2))),
    ],
    [
      "scan body",
      "Tree",
      "scan: the body must return [carry, y].",
      () =>
        curv.scan(
          wrong((c: Tensor) => c),
          f32(2),
          f32(2),
        ),
    ],
    [
      "scan lengths",
      "Shape",
      "scan: leading lengths differ: 2 and 3.",
      () => curv.scan((c: Tensor, x: [Tensor, Tensor]) => [c, x] as const, f32(), [f32(2), f32(3)] as [Tensor, Tensor]),
    ],
    [
      "scan without length",
      "Domain",
      "scan: xs has no leaves; give {length}.",
      () => curv.scan((c: Tensor) => [c, null] as const, f32(), null),
    ],
    [
      "scan over a scalar",
      "Shape",
      "scan: xs has a scalar leaf; wants a leading axis to loop over.",
      () => curv.scan((c: Tensor, x: Tensor) => [c, x] as const, f32(), f32()),
    ],
    [
      "scan structure",
      "Tree",
      "scan: carry changed: it was {a}, the body returned {b}.",
      () =>
        curv.scan(
          wrong((c: { a: Tensor }, x: Tensor) => [{ b: c.a }, x]),
          { a: f32() },
          f32(2),
        ),
    ],
    [
      "whileLoop condition",
      "DType",
      "whileLoop: the condition is float32; wants bool.",
      () =>
        curv.whileLoop(
          (c: Tensor) => c,
          (c: Tensor) => c,
          f32(),
        ),
    ],
    [
      "whileLoop condition shape",
      "Shape",
      "whileLoop: the condition has shape [2]; wants a scalar.",
      () =>
        curv.whileLoop(
          (c: Tensor) => c.less(1),
          (c: Tensor) => c,
          f32(2),
        ),
    ],
    [
      "whileLoop condition kind",
      "Tree",
      "whileLoop: the condition is boolean; wants a bool scalar Tensor.",
      () =>
        curv.whileLoop(
          wrong(() => true),
          (c: Tensor) => c,
          f32(),
        ),
    ],
    [
      "whileLoop maxSteps",
      "Domain",
      "whileLoop: maxSteps is -1; wants an integer >= 0.",
      () =>
        curv.whileLoop(
          (c: Tensor) => c.less(1),
          (c: Tensor) => c,
          f32(),
          { maxSteps: -1 },
        ),
    ],
    [
      "whileLoop carry",
      "Tree",
      "whileLoop: carry changed: c was float32 [], the body returned float32 [2].",
      () =>
        curv.whileLoop(
          (c: Tensor) => c.less(1),
          () => f32(2),
          f32(),
        ),
    ],
    [
      "cond predicate",
      "DType",
      "cond: the condition is int32; wants bool.",
      () =>
        curv.cond(
          tensor(1, { dtype: "int32" }),
          () => f32(),
          () => f32(),
        ),
    ],
    [
      "forLoop bounds",
      "Domain",
      "forLoop: start 0, stop 2.5; wants integers.",
      () => curv.forLoop(0, 2.5, (_i, c: Tensor) => c, f32()),
    ],
    [
      "customVjp forward",
      "Tree",
      "customVjp(f): fwd must return [value, residuals].",
      () => {
        const f = (x: Tensor): Tensor => x;
        return grad((x: Tensor) =>
          curv.customVjp(
            f,
            wrong((v: Tensor) => v),
            (_r, bar) => [bar],
          )(x),
        )(f32());
      },
    ],
    [
      "customLinearSolve in reverse",
      "Tree",
      "customLinearSolve: reverse mode needs transposeSolve; give it, or say {symmetric: true}.",
      () =>
        grad((b: Tensor) =>
          curv.customLinearSolve({ matvec: (x: Tensor) => x.mul(2), solve: (y: Tensor) => y.div(2) }, b).sum(),
        )(f32(2)),
    ],
    [
      "customLinearSolve shapes",
      "Tree",
      "customLinearSolve: solve returned float32 [] for leaf 0 of b, float32 [2]; wants the same.",
      () => curv.customLinearSolve({ matvec: (x: Tensor) => x, solve: (y: Tensor) => y.sum() }, f32(2)),
    ],
    [
      "a leaked tracer of vmap",
      "Tracing",
      "add: this value belongs to vmap(f), which has returned. Return it from the function instead of storing it outside.",
      () => {
        let kept: Tensor | null = null;
        const f = (x: Tensor): Tensor => (kept = x);
        vmap(f)(f32(2));
        return kept!.add(1);
      },
    ],
    [
      "a leaked tracer of jit",
      "Tracing",
      "exp: this value belongs to jit(f), which has returned. Return it from the function instead of storing it outside.",
      () => {
        let kept: Tensor | null = null;
        const f = (x: Tensor): Tensor => (kept = x);
        jit(f)(f32(2));
        return kept!.exp();
      },
    ],
    [
      "a leaked tracer read",
      "Tracing",
      "dataSync: this value belongs to jit(f), which has returned. Return it from the function instead of storing it outside.",
      () => {
        let kept: Tensor | null = null;
        const f = (x: Tensor): Tensor => (kept = x);
        jit(f)(f32(2));
        return kept!.dataSync();
      },
    ],
    [
      "to() in a trace",
      "Tracing",
      "to: cannot move a value inside jit(f); move the arguments before the call.",
      () =>
        jit(function f(x: Tensor) {
          return x.to("cpu");
        })(f32(2)),
    ],
  ]);

  it("data() inside grad: TracingError, rejected", async () => {
    let pending: Promise<unknown> | null = null;
    grad(function loss(x: Tensor) {
      pending = x.data();
      return x.sum();
    })(f32(2));
    await expect(pending).rejects.toThrow(
      "data: a value inside grad(loss) cannot be awaited; return it from the function, or use dataSync under grad and jvp.",
    );
  });
});

describe("trees", () => {
  class Layer {}
  const cyclic: unknown[] = [];
  cyclic.push(cyclic);
  check([
    [
      "a class instance",
      "Tree",
      "flatten: a[0] is a Layer; leaves must be Tensors.",
      () => tree.flatten(wrong({ a: [new Layer()] })),
    ],
    ["a Map", "Tree", "flatten: the tree is a Map; leaves must be Tensors.", () => tree.flatten(wrong(new Map()))],
    [
      "a typed array",
      "Tree",
      "map: tree.w is a Float32Array; leaves must be Tensors.",
      () => tree.map((x) => x, wrong({ w: new Float32Array(2) })),
    ],
    [
      "a function",
      "Tree",
      "ravel: [1] is a function; leaves must be Tensors.",
      () => tree.ravel(wrong([f32(1), square])),
    ],
    [
      "a cycle",
      "Tree",
      "flatten: the tree is nested deeper than 1000 levels; is it cyclic?",
      () => tree.flatten(wrong(cyclic)),
    ],
    [
      "too few leaves",
      "Tree",
      "unflatten: structure has 2 leaves, got 1.",
      () => tree.unflatten(tree.flatten([f32(1), f32(2)]).structure, [f32(1)]),
    ],
    [
      "another structure",
      "Tree",
      "map: structures differ: others[0].params.b is missing, tree.params.b is a Tensor.",
      () => tree.map((x) => x, { params: { a: f32(1), b: f32(1) } }, wrong({ params: { a: f32(1) } })),
    ],
    [
      "a leaf against a branch",
      "Tree",
      "map: structures differ: others[0].a[1] is {w}, tree.a[1] is a Tensor.",
      () => tree.map((x) => x, { a: [f32(1), f32(1)] }, wrong({ a: [f32(1), { w: f32(1) }] })),
    ],
    [
      "one place more",
      "Tree",
      "add: structures differ: y.b is a Tensor, x.b is missing.",
      () => tree.add({ a: f32(1) }, wrong({ a: f32(1), b: f32(1) })),
    ],
    [
      "another length",
      "Tree",
      "dot: structures differ: y[1] is missing, x[1] is a Tensor.",
      () => tree.dot([f32(1), f32(1)], wrong([f32(1)])),
    ],
    [
      "unravel",
      "Shape",
      "unravel: vector has shape [4]; wants [3].",
      () => tree.ravel([f32(1), f32(2)]).unravel(f32(4)),
    ],
  ]);
});

describe("linear algebra", () => {
  const f64 = (...shape: number[]): Tensor => zeros(shape, { dtype: "float64" });
  const nanMessage = (name: string): string => `${name}: input has NaN at [1, 0].`;
  const infinite = tensor(
    [
      [1, 0],
      [-Infinity, 1],
    ],
    { dtype: "float64" },
  );
  const solvers = [
    "eigh",
    "eigvalsh",
    "eig",
    "eigvals",
    "svd",
    "svdvals",
    "qr",
    "lu",
    "det",
    "slogdet",
    "expm",
    "pinv",
    "logm",
    "sqrtm",
    "inv",
    "matrixRank",
    "conditionNumber",
  ] as const;
  check([
    ...solvers.map((name): Row => [`NaN to ${name}`, "Domain", nanMessage(name), () => linalg[name](withNaN(3))]),
    ["NaN to solve", "Domain", nanMessage("solve"), () => linalg.solve(withNaN(3), f64(3))],
    ["NaN to lstsq", "Domain", nanMessage("lstsq"), () => linalg.lstsq(withNaN(3), f64(3))],
    ["NaN to matrixNorm", "Domain", nanMessage("matrixNorm"), () => linalg.matrixNorm(withNaN(3), "nuc")],
    ["NaN to cholesky", "Domain", "cholesky: input has NaN at [1, 0].", () => linalg.cholesky(withNaN(3))],
    ["NaN in b", "Domain", "lstsq: b has NaN at [1, 0].", () => linalg.lstsq(curv.eye(2), tensor([1, NaN]))],
    ["−Infinity", "Domain", "svd: input has -Infinity at [1, 0].", () => linalg.svd(infinite)],
    ["NaN in jit", "Domain", nanMessage("svd"), () => jit((a: Tensor) => linalg.svd(a))(withNaN(3))],
    [
      "NaN in a batch",
      "Domain",
      nanMessage("eigh"),
      () => linalg.eigh(curv.stack([curv.eye(3, 3, { dtype: "float64" }), withNaN(3)])),
    ],
    [
      "NaN in vmap",
      "Domain",
      nanMessage("qr"),
      () => vmap((a: Tensor) => linalg.qr(a))(curv.stack([curv.eye(3, 3, { dtype: "float64" }), withNaN(3)])),
    ],
    ["not square", "Shape", "cholesky: A has shape [2, 3]; wants square matrices.", () => linalg.cholesky(f64(2, 3))],
    ["a vector", "Shape", "svd: A has shape [3]; wants matrices (at least two axes).", () => linalg.svd(f64(3))],
    [
      "integers",
      "DType",
      "solve: A is int32; wants float32 or float64.",
      () => linalg.solve(zeros([2, 2], { dtype: "int32" }), f32(2)),
    ],
    [
      "b that does not fit",
      "Shape",
      "solve: b has shape [3]; wants [..., 2] or [..., 2, k] for A of [2, 2].",
      () => linalg.solve(curv.eye(2), f32(3)),
    ],
    [
      "b that is a scalar",
      "Shape",
      "triangularSolve: b has shape []; wants [..., 2] or [..., 2, k] for A of [2, 2].",
      () => linalg.triangularSolve(curv.eye(2), f32()),
    ],
    [
      "b that is an array",
      "Domain",
      "solve: b is an array (make a tensor of it with tensor(…)); wants a Tensor or a number.",
      () => linalg.solve(curv.eye(2), wrong([1, 2])),
    ],
    [
      "batches of solve",
      "Shape",
      "solve: shapes [2, 2, 2] and [3, 2, 1] do not broadcast: axis -3 is 2 against 3.",
      () => linalg.solve(f64(2, 2, 2), f64(3, 2, 1)),
    ],
    [
      "inv of a singular matrix",
      "Domain",
      "inv: matrix is singular: pivot 1 is 0. Use pinv, or add regularisation.",
      () => linalg.inv(diagonal(1, 0)),
    ],
    [
      "solve in a batch",
      "Domain",
      "solve: matrix is singular: pivot 0 is 0. Use lstsq, or add regularisation.",
      () => linalg.solve(f64(2, 2, 2), f64(2, 2)),
    ],
    [
      "not symmetric",
      "Domain",
      "eigh: matrix is not symmetric: [1, 0] is 2, [0, 1] is 1.",
      () =>
        linalg.eigh(
          tensor([
            [0, 1],
            [2, 0],
          ]),
          { check: true },
        ),
    ],
    [
      "logm",
      "Domain",
      "logm: matrix is not positive definite: its smallest eigenvalue is 0.",
      () => linalg.logm(diagonal(1, 0)),
    ],
    [
      "sqrtm",
      "Domain",
      "sqrtm: matrix is not positive semi-definite: its smallest eigenvalue is -2.",
      () => linalg.sqrtm(diagonal(1, -2)),
    ],
    [
      "mode of qr",
      "Domain",
      'qr: mode is "full"; wants "thin" or "complete".',
      () => linalg.qr(f64(2, 2), { mode: wrong("full") }),
    ],
    [
      "kind of norm",
      "Domain",
      'matrixNorm: kind is 3; wants "fro", "nuc", 1, -1, 2, -2, Infinity or -Infinity.',
      () => linalg.matrixNorm(f64(2, 2), 3),
    ],
    ["p of norm", "Domain", "vectorNorm: p is NaN.", () => linalg.vectorNorm(f64(2), NaN)],
    [
      "cross",
      "Shape",
      "cross: x has shape [2], y has [2]; wants length 3 on axis -1.",
      () => linalg.cross(f64(2), f64(2)),
    ],
    ["det of a vector", "Shape", "det: A has shape [2]; wants matrices (at least two axes).", () => linalg.det(f64(2))],
  ]);
});

describe("fft", () => {
  const pair = { re: f32(4), im: f32(3) };
  check([
    ["re and im", "Shape", "fft: re has shape [4], im has [3]; they must be equal.", () => fft.fft(pair)],
    ["no pair", "Domain", "ifft: x is no tensor and no pair {re, im} of tensors.", () => fft.ifft(wrong([1, 2]))],
    ["n = 0", "Domain", "fft: n is 0; wants an integer >= 1.", () => fft.fft(f32(4), { n: 0 })],
    ["no data", "Domain", "rfft: n is 0; wants an integer >= 1.", () => fft.rfft(f32(0))],
    ["axis", "Shape", "rfft: axis 1 is out of range for rank 1 (wants -1..0).", () => fft.rfft(f32(4), { axis: 1 })],
    ["a scalar", "Shape", "fft: axis -1 is out of range for rank 0 (a scalar has no axes).", () => fft.fft(f32())],
    [
      "n of irfft",
      "Domain",
      "irfft: n is 1.5; wants an integer >= 1.",
      () => fft.irfft({ re: f32(3), im: f32(3) }, { n: 1.5 }),
    ],
    [
      "shape of fftn",
      "Shape",
      "fftn: shape [2] has 1 lengths for 2 axes.",
      () => fft.fftn(f32(2, 2), { shape: [2], axes: [0, 1] }),
    ],
    ["fft2 of a vector", "Shape", "fft2: axis -2 is out of range for rank 1 (wants -1..0).", () => fft.fft2(f32(3))],
    ["frequencies", "Domain", "fftFrequencies: n is 0; wants an integer >= 1.", () => fft.fftFrequencies(0)],
  ]);
});

describe("nothing half-done remains", () => {
  it("a throwing function leaves later gradients, tidy scopes and jits working", () => {
    const fail = (): never => {
      throw new Error("user's");
    };
    expect(() => grad((x: Tensor) => (x.mul(2), fail()))(f32(2))).toThrow("user's");
    expect(() => jit((x: Tensor) => (x.mul(2), fail()))(f32(2))).toThrow("user's");
    expect(() => vmap((x: Tensor) => (x.mul(2), fail()))(f32(2))).toThrow("user's");
    expect(() => curv.scan(fail, f32(2), f32(2))).toThrow("user's");
    expect(() => curv.tidy(fail)).toThrow("user's");
    // Nothing is being traced any more: constants are values again, and gradients as before.
    expect(curv.arange(3).arraySync()).toEqual([0, 1, 2]);
    expect(zeros([1]).backend).toBe("cpu");
    expect(grad((x: Tensor) => x.square().sum())(tensor([1, 2])).arraySync()).toEqual([2, 4]);
    expect(jit(square)(tensor([3])).arraySync()).toEqual([9]);
  });

  it("tidy disposes what a throwing function made", () => {
    let made: Tensor | null = null;
    expect(() =>
      curv.tidy(() => {
        made = f32(2).add(1);
        return made.add(f32(3));
      }),
    ).toThrow("do not broadcast");
    expect(made!.disposed).toBe(true);
  });

  it("a refused operation changes no operand", () => {
    const x = tensor([1, 2, 3]);
    expect(() => curv.scatterSet(x, tensor(Int32Array.of(0, 7), { shape: [2, 1] }), 9)).toThrow("out of range");
    expect(() => x.add(f32(2))).toThrow("do not broadcast");
    expect(x.arraySync()).toEqual([1, 2, 3]);
    expect(x.disposed).toBe(false);
  });

  it("jit does not remember a trace that failed", () => {
    let broken = true;
    const f = jit((x: Tensor) => (broken ? x.add(f32(7)) : x.mul(2)));
    expect(() => f(tensor([1, 2]))).toThrow("do not broadcast");
    broken = false;
    expect(f(tensor([1, 2])).arraySync()).toEqual([2, 4]);
  });

  it("a donated argument survives a call that fails", () => {
    const x = tensor([1, 2]);
    const f = jit((v: Tensor) => linalg.cholesky(v), { donate: [0] });
    expect(() => f(x)).toThrow("at least two axes");
    expect(x.disposed).toBe(false);
    const a = tensor([[-1]]);
    expect(() => f(a)).toThrow("not positive definite");
    expect(a.disposed).toBe(false);
  });

  it("setDefaultDType keeps its value when it refuses", () => {
    expect(() => curv.setDefaultDType("bool" as DType as never)).toThrow();
    expect(curv.defaultDType()).toBe("float32");
  });

  it("use keeps the backend when it refuses", () => {
    expect(() => curv.use("nowhere")).toThrow("not registered");
    expect(zeros([] as Shape).backend).toBe("cpu");
  });
});
