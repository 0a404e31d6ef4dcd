/** The portable CPU backend: the reference for all others, always there, nothing to install. */

import type { Backend, Operand } from "../backend/backend.js";
import { dtypes, type DType, type TypedArray } from "../dtype.js";
import { BackendError } from "../errors.js";
import type { Aval, HostArray, Primitive } from "../primitives/primitive.js";
import type { Shape } from "../shape.js";

class CpuBackend implements Backend {
  readonly name = "cpu";
  readonly kind = "cpu";
  readonly capabilities: Backend["capabilities"] = {
    dtypes,
    syncRead: true,
    nonFinite: true,
    subnormals: true,
    largestLaunch: 2 ** 32,
  };

  supports(primitive: Primitive): boolean {
    return primitive.lower !== undefined;
  }
  upload(data: TypedArray, _shape: Shape, _dtype: DType): TypedArray {
    return data;
  }
  async download(operand: Operand): Promise<TypedArray> {
    return operand.buffer as TypedArray;
  }
  downloadSync(operand: Operand): TypedArray {
    return operand.buffer as TypedArray;
  }
  run(primitive: Primitive, inputs: readonly Operand[], params: unknown, outs: readonly Aval[]): readonly TypedArray[] {
    if (primitive.lower === undefined) throw new BackendError(`${primitive.name}: the CPU has no kernel for it.`);
    return primitive.lower(inputs as readonly HostArray[], params, outs);
  }
  free(_buffer: unknown): void {
    // Typed arrays are garbage collected.
  }
  describe(): string {
    return "portable JavaScript kernels, one thread";
  }
}

/** The embedded default backend. */
export const cpu: CpuBackend = /* @__PURE__ */ new CpuBackend();
