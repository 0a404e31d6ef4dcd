/** The embedded backend keeps every statement of the conformance suite (theme-tensor-core §7), in every dtype. */

import { cpu } from "@curv/tensor";
import { conformance } from "@curv/tensor/testing";

conformance(cpu, { dtypes: ["float64", "float32", "int32", "uint32", "bool"] });
