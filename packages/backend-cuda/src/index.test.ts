/** The package can be imported by its published name, and exports names only. */

import { expect, test } from "vitest";
import * as entry from "@curv/backend-cuda";

test("the entry point has no default export", () => {
  expect(Object.keys(entry)).not.toContain("default");
});
