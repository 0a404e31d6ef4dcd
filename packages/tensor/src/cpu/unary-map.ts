/** Functions of one array: by the vector kernels where they are worth the copying, else by the portable ones. The bits are the same. */

import { itemSize, type DType, type TypedArray } from "../dtype.js";
import type { UnaryKernels } from "./kernels/unary.js";
import { load } from "./wasm/access.js";
import { elementwise, type LaneCount } from "./wasm/elementwise.js";
import { emitMap } from "./wasm/map.js";
import type { StridedStream } from "./wasm/loops.js";
import { kernelMemory, type KernelMemory } from "./wasm/memory.js";
import { ModuleBuilder, type ImportedFunction } from "./wasm/module.js";

/** Functions that take so long in JavaScript that copying their operand and result is nothing beside it. */
const worthwhile: ReadonlySet<string> = /* @__PURE__ */ new Set([
  "exp", "exp2", "expm1", "log", "log2", "log1p", "tanh", "sigmoid", "softplus", "erf", "sin", "cos",
]); // prettier-ignore
const fewElements = 256;
/** Elements that go through the kernel at a time: operand and result stay in the cache. */
const chunkElements = 4096;

/** A kernel(base, start, end) on the work space at `base`. */
type VectorKernel = (base: number, start: number, end: number) => void;
const compiled = /* @__PURE__ */ new Map<string, VectorKernel>();
let workSpace = 0;

/** out[i] = f(x[i]) for the elementwise primitive of that name. */
export function mapUnary(name: string, kernels: UnaryKernels, dtype: DType, x: TypedArray, out: TypedArray): void {
  if (x.length >= fewElements && (dtype === "float32" || dtype === "float64") && worthwhile.has(name)) {
    const memory = kernelMemory();
    if (memory !== null) {
      byVectors(memory, name, kernels, dtype, x, out);
      return;
    }
  }
  kernels[dtype]!(x, out, x.length);
}

function byVectors(
  memory: KernelMemory,
  name: string,
  kernels: UnaryKernels,
  dtype: "float32" | "float64",
  x: TypedArray,
  out: TypedArray,
): void {
  const key = `${name} ${dtype}`;
  let kernel = compiled.get(key);
  if (kernel === undefined) compiled.set(key, (kernel = compile(memory, name, kernels, dtype)));
  if (workSpace === 0) workSpace = memory.allocate(2 * chunkElements * 8);
  const array = memory.arrays[dtype];
  const from = workSpace / itemSize(dtype);
  for (let start = 0; start < x.length; start += chunkElements) {
    const n = Math.min(chunkElements, x.length - start);
    array.set(x.subarray(start, start + n), from);
    kernel(workSpace, 0, n);
    out.set(array.subarray(from + chunkElements, from + chunkElements + n), start);
  }
}

function compile(
  memory: KernelMemory,
  name: string,
  kernels: UnaryKernels,
  dtype: "float32" | "float64",
): VectorKernel {
  const lanes: LaneCount = dtype === "float64" ? 2 : 4;
  const module = new ModuleBuilder(memory.shared);
  const importScalar = (_key: string, f: () => ImportedFunction): number => module.import(f());
  const stream = (offset: number): StridedStream => {
    return { dtype, pointer: -1, placement: { offset, fixed: false }, offset: 0, strides: [1] };
  };
  const source = stream(0);
  const value = load(source, 1, lanes);
  const result = elementwise(name, kernels, [{ expression: value, dtype }], dtype, { lanes, importScalar });
  const target = stream(chunkElements * itemSize(dtype));
  const loads = [{ stream: source, value }];
  const stores = [{ stream: target, value: result }];
  module.add(emitMap({ shape: [chunkElements], lanes, loads, stores }), "map");
  return module.instantiate(memory.memory).map as unknown as VectorKernel;
}
