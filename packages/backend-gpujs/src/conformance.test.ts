import { conformance } from "@curv/tensor/testing";
import { gpujs } from "./index.js";

conformance(await gpujs({ mode: (process.env.CURV_GPUJS_MODE as "webasm" | undefined) ?? "webasm" }), {
  dtypes: ["float32", "int32", "uint32", "bool"],
  tolerance: 2,
});
