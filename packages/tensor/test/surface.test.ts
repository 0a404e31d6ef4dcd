/** The operations against NumPy, SciPy, PyTorch and mpmath: every case of fixtures/surface.json. */

import * as curv from "../src/index.js";
import { testCases } from "./support/reference.js";

testCases("surface.json", curv);
