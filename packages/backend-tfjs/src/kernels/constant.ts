/** Values that no operand is needed for. */

import type { DType, Shape } from "@curv/tensor";
import type { EngineDType } from "../engine.js";
import type { KernelTable } from "./kernel.js";

const coerced = (value: number, dtype: DType): number =>
  dtype === "float32" ? Math.fround(value) : dtype === "bool" ? +(value !== 0) : Math.trunc(value);

export const constantKernels: KernelTable = {
  full: (engine, _inputs, { shape, dtype, value }: { shape: Shape; dtype: DType; value: number }) => [
    engine.fill(shape, coerced(value, dtype), dtype as EngineDType),
  ],
  iota: (engine, _inputs, { length, dtype }: { length: number; dtype: DType }) => {
    const index = engine.iota(length);
    return [dtype === "int32" ? index : engine.cast(index, dtype as EngineDType)];
  },
};
