/** ml-matrix: linear algebra in plain JavaScript, float64. */

import { createRequire } from "node:module";
import type * as Library from "ml-matrix";

/** Loads it, or says that it is not there. */
export async function startMlMatrix(): Promise<typeof Library & { readonly description: string }> {
  const library = await import("ml-matrix");
  const { version } = createRequire(import.meta.url)("ml-matrix/package.json") as { version: string };
  return { ...library, description: `ml-matrix ${version}` };
}
