/** The checked-in kernels are what the generator writes. */

import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const packageRoot = fileURLToPath(new URL("..", import.meta.url));

test("src/cpu/kernels is up to date with scripts/generate-kernels.mjs", () => {
  const folder = mkdtempSync(join(tmpdir(), "kernels-"));
  try {
    execFileSync(process.execPath, [join(packageRoot, "scripts/generate-kernels.mjs"), folder]);
    const written = readdirSync(folder);
    expect(written.length).toBeGreaterThan(5);
    for (const name of written) {
      expect(readFileSync(join(packageRoot, "src/cpu/kernels", name), "utf8"), name).toBe(
        readFileSync(join(folder, name), "utf8"),
      );
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});
