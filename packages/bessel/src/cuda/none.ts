/** What takes the place of `kernels.ts` where there is no Node.js, and so no CUDA: nothing, so that pages do not carry the kernels. */

import type { Functions } from "./kernels.js";

export const cudaFunctions: Functions | null = null;
