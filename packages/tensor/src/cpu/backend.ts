/** The portable CPU backend: the reference for all others, always there, nothing to install. */

import type { Backend, Operand } from "../backend/backend.js";
import { dtypes, type TypedArray } from "../dtype.js";
import { BackendError } from "../errors.js";
import { externalFactorisations } from "./external-factorisations.js";
import { externalProducts } from "./external-products.js";
import type { HostArray } from "../primitives/primitive.js";
import { ownResults, isResult, letGo } from "./wasm/resident.js";

/** The embedded default backend: portable JavaScript kernels on one thread. */
export const cpu: Backend & { downloadSync(operand: Operand): TypedArray } = {
  name: "cpu",
  kind: "cpu",
  capabilities: { dtypes, syncRead: true, nonFinite: true, subnormals: true, largestLaunch: 2 ** 32 },
  supports: (primitive) => primitive.lower !== undefined,
  upload: (data) => data,
  // Who waits could find that the tensor was disposed, and other elements in its place.
  download: ({ buffer }) =>
    Promise.resolve(isResult(buffer as TypedArray) ? (buffer as TypedArray).slice() : (buffer as TypedArray)),
  downloadSync: (operand) => operand.buffer as TypedArray,
  run: (primitive, inputs, params, outs) => {
    if (primitive.lower === undefined) throw new BackendError(`${primitive.name}: the CPU has no kernel for it.`);
    const operands = inputs as readonly HostArray[];
    return ownResults(operands, primitive.lower(operands, params, outs));
  },
  // Other arrays are garbage collected.
  free: (buffer) => letGo(buffer as TypedArray),
  describe: () => {
    const products = externalProducts();
    const factorisations = externalFactorisations(Infinity);
    return [
      "own kernels",
      ...(products === null ? [] : [`matrix products by ${products.name}`]),
      ...(factorisations === null ? [] : [`factorisations by ${factorisations.name}`]),
    ].join(", ");
  },
};
