/** The portable backend as a graphics card would be: without float64, and read asynchronously only. */

import { cpu, DTypeError, type Backend } from "@curv/tensor";

function refuse(dtype: string): void {
  if (dtype === "float64") throw new DTypeError("narrow: has no float64.");
}

const { downloadSync: _, ...rest } = cpu;

/** For `use`; `use("cpu")` ends it. */
export const narrow: Backend = {
  ...rest,
  name: "narrow",
  kind: "narrow",
  capabilities: { ...cpu.capabilities, dtypes: ["float32", "int32", "uint32", "bool"], syncRead: false },
  upload: (data, _shape, dtype) => {
    refuse(dtype);
    return data;
  },
  run: (primitive, inputs, params, outs) => {
    for (const { dtype } of outs) refuse(dtype);
    return cpu.run(primitive, inputs, params, outs);
  },
};
