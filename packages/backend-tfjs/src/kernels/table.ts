/** All kernels by the names of their primitives. What is not here the backend does not have. */

import type { DType } from "@curv/tensor";
import { constantKernels } from "./constant.js";
import { convKernels } from "./conv.js";
import { cumulativeKernels } from "./cumulative.js";
import { dotKernels } from "./dot.js";
import { elementwiseKernels } from "./elementwise.js";
import { fftKernels } from "./fft.js";
import { functionKernels } from "./functions.js";
import { indexingKernels } from "./indexing.js";
import type { KernelTable } from "./kernel.js";
import { movementKernels } from "./movement.js";
import { reduceKernels } from "./reduce.js";
import { sortKernels } from "./sort.js";
import { windowKernels } from "./windows.js";

export const kernels: KernelTable = {
  ...constantKernels,
  ...convKernels,
  ...cumulativeKernels,
  ...dotKernels,
  ...elementwiseKernels,
  ...fftKernels,
  ...functionKernels,
  ...indexingKernels,
  ...movementKernels,
  ...reduceKernels,
  ...sortKernels,
  ...windowKernels,
};

/** Operations on 32-bit words, int32 and uint32: exact on the host, which the engines' arithmetic cannot promise. */
export const wordOperations: ReadonlySet<string> = /* @__PURE__ */ new Set([
  "threefry",
  "bitwiseAnd",
  "bitwiseOr",
  "bitwiseXor",
  "bitwiseNot",
  "shiftLeft",
  "shiftRight",
  "bitcast",
]);

/** Whole quotients and their remainders: the wasm engine divides int32 as float32. */
const quotients: ReadonlySet<string> = /* @__PURE__ */ new Set(["floorDiv", "mod", "rem"]);

/** Powers and products of many int32 leave its range, and wrap: the engines lose their low bits, or saturate. */
const products: ReadonlySet<string> = /* @__PURE__ */ new Set(["pow", "prod"]);

/** Whether an application of a primitive is one on words, for that engine. */
export function isOnWords(engine: string, name: string, dtypes: readonly DType[]): boolean {
  if (dtypes.includes("uint32")) return true;
  if (dtypes[0] === "int32" && (products.has(name) || (engine === "wasm" && quotients.has(name)))) return true;
  return wordOperations.has(name) && !dtypes.every((dtype) => dtype === "bool");
}
