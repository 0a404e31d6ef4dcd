/** The modified Bessel functions for the backends of kind "cuda" (see `CudaFunctions` of `@curv/backend-cuda`). */

import { gpujsFunctions } from "../gpu/kernels.js";
import { double, single, type SourceFunction } from "../gpu/source.js";
import { uniform } from "../gpu/uniform.js";
import { firstKind } from "./first-kind.js";
import { hankel } from "./hankel.js";
import { nameOfOrderDerivative, orderDerivatives } from "./order-derivative.js";
import { secondKind } from "./second-kind.js";

type Dtype = "float32" | "float64";

export interface CudaFunctions<P> {
  functions(dtype: Dtype): readonly SourceFunction[];
  /** The function of the operands' elements; null if there is none. */
  nameOf(params: P, dtype: Dtype): string | null;
}

export type Functions = CudaFunctions<{ readonly name: string; readonly n: number }>;

/** In float32 the texts are those for gpu.js, and those of derivatives in the order, which it does not have. */
export const cudaFunctions: Functions | null = {
  functions: (dtype) =>
    dtype === "float32"
      ? [...gpujsFunctions.functions(), ...orderDerivatives(single)]
      : [...uniform(double), ...hankel(), ...firstKind(), ...secondKind(), ...orderDerivatives(double)],
  nameOf(params, dtype) {
    if (params.n > 0) return nameOfOrderDerivative(params.name, params.n);
    // What the paper's expressions lack shows in float64: they are no other name for these.
    return dtype === "float64" && params.name.startsWith("paper") ? null : gpujsFunctions.nameOf(params);
  },
};
