/** ml-matrix: linear algebra in plain JavaScript, float64. */

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type * as Library from "ml-matrix";

/** Loads it, or says that it is not there. */
export async function startMlMatrix(): Promise<typeof Library & { readonly description: string }> {
  const library = await import("ml-matrix");
  // Its package.json is none of its exports: read from where the package lies.
  const manifest = new URL("../node_modules/ml-matrix/package.json", import.meta.url);
  const { version } = JSON.parse(readFileSync(fileURLToPath(manifest), "utf8")) as { version: string };
  return { ...library, description: `ml-matrix ${version}` };
}
