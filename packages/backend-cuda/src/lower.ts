/** From primitives to views, chains of operations, and kernels: one entry a primitive. */

import type { Atom, DType, Equation, Primitive } from "@curv/tensor";
import { elementwiseNames, hasFormula } from "./codegen/scalar.js";
import { conv } from "./lower/convolution.js";
import { cast, elementwise, full, identity, threefry } from "./lower/elementwise.js";
import * as factorisations from "./lower/factorisations.js";
import { fourier } from "./lower/fourier.js";
import { dynamicSlice, dynamicUpdateSlice, gather, iota, scatter } from "./lower/indexing.js";
import { by } from "./lower/library.js";
import type { Lower } from "./lower/lowering.js";
import * as movement from "./lower/movement.js";
import { dot } from "./lower/product.js";
import { reduce } from "./lower/reduce.js";
import { scan } from "./lower/scan.js";
import { sort } from "./lower/sort.js";
import { windowed } from "./lower/windows.js";
import { isRegistered, registeredLowering } from "./registered.js";

const table: Readonly<Record<string, Lower>> = {
  select: elementwise,
  cast,
  bitcast: cast,
  integerPower: elementwise,
  polygamma: elementwise,
  threefry,
  full,
  iota,
  stopGradient: identity,
  reshape: movement.reshape,
  broadcast: movement.broadcast,
  transpose: movement.transpose,
  slice: movement.slice,
  flip: movement.flip,
  pad: movement.pad,
  concat: movement.concat,
  sum: reduce,
  prod: reduce,
  max: reduce,
  min: reduce,
  argMax: reduce,
  argMin: reduce,
  dot,
  gather,
  scatterAdd: scatter,
  scatterMax: scatter,
  sort,
  dynamicSlice,
  dynamicUpdateSlice,
  cumsum: scan,
  linearRecurrence: scan,
  cumArgMax: scan,
  windowSum: windowed,
  windowArgMax: windowed,
  conv,
  cholesky: /* @__PURE__ */ by("cusolver", factorisations.cholesky),
  lu: /* @__PURE__ */ by("cusolver", factorisations.lu),
  qr: /* @__PURE__ */ by("cusolver", factorisations.qr),
  eigh: /* @__PURE__ */ by("cusolver", factorisations.eigh),
  svd: /* @__PURE__ */ by("cusolver", factorisations.svd),
  triangularSolve: /* @__PURE__ */ by("cublas", factorisations.triangularSolve),
  fft: /* @__PURE__ */ by("cufft", fourier),
};

/** Dtypes that have no kernel, where a primitive does not have them all. */
const missing: Readonly<Record<string, readonly DType[]>> = {
  polygamma: ["int32", "uint32", "bool"],
};

/** How an equation is lowered; null if it has no kernel. */
export function loweringFor(equation: Equation): Lower | null {
  const { primitive, inputs } = equation;
  if (isRegistered(primitive)) return registeredLowering(equation);
  const { name } = primitive;
  const dtype = (inputs[name === "select" ? 1 : 0] as Atom | undefined)?.dtype;
  if (elementwiseNames.has(name)) return dtype !== undefined && hasFormula(name, dtype) ? elementwise : null;
  if (dtype !== undefined && missing[name]?.includes(dtype)) return null;
  return (table[name] as Lower | undefined) ?? null;
}

/** Whether the card has a kernel for the primitive, for some dtype and parameters. */
export function hasKernel(primitive: Primitive): boolean {
  return elementwiseNames.has(primitive.name) || primitive.name in table || isRegistered(primitive);
}

/** Names of the primitives that have kernels. */
export function kernelNames(): string[] {
  return [...elementwiseNames, ...Object.keys(table)];
}
