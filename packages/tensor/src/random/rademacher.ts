/** Random signs. */

import { checkDType, defaultDType, type DType } from "../dtype.js";
import { DTypeError } from "../errors.js";
import { castTo } from "../ops/operands.js";
import { checkShape } from "../shape.js";
import type { Tensor } from "../tensor.js";
import type { ShapeOption } from "./bits.js";
import { checkKey, type Key } from "./key.js";
import { unitUniform } from "./uniform.js";

export interface RademacherOptions extends ShapeOption {
  /** A float dtype or int32. Default: the default dtype. */
  readonly dtype?: DType;
}

/** ±1 with probability ½ each. The signs are the same at every dtype. */
export function rademacher(k: Key, { shape = [], dtype = defaultDType() }: RademacherOptions = {}): Tensor {
  checkKey(k, "rademacher");
  checkShape(shape, "rademacher");
  checkDType(dtype, "rademacher");
  if (dtype === "bool" || dtype === "uint32") {
    throw new DTypeError(`rademacher: dtype ${dtype} has no -1; wants float32, float64 or int32.`);
  }
  return castTo(unitUniform(k, shape, "float32").less(0.5), dtype)
    .mul(2)
    .sub(1);
}
