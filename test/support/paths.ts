/** Places that the repository's own tests need. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll } from "vitest";

export const root: string = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

const folders: string[] = [];

/** An empty folder outside the repository, where nothing can see the workspace by accident. */
export function emptyFolder(): string {
  const path = mkdtempSync(join(tmpdir(), "curv-"));
  folders.push(path);
  return path;
}

// Runs once in every test file that imports this.
afterAll(() => {
  for (const path of folders.splice(0)) rmSync(path, { recursive: true, force: true });
});
