/** The tests of the whole repository run in one process, on the packages' sources: no build is needed. */

import { readFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { defaultClientConditions, defaultServerConditions } from "vite";
import { defineConfig } from "vitest/config";
import { filesBelow } from "./scripts/workspace.mjs";

// Each package exports its sources under this condition (see tsconfig.base.json, which uses the same).
const source = "@curv/source";

/**
 * What a test changes, counts or measures for a whole worker: the backend in use, the number of threads, a registered library, modules in
 * the place of others, the primitives there are, memory. A file that does, and every file of a backend, gets a worker of its own.
 */
const ofWorker =
  /\b(?:use|setThreads|registerBlas|useExternalFactorisations|definePrimitive|memoryUsage|kernelMemory)\(|\bvi\.(?:mock|doMock|resetModules)\(/;

const ownWorker = ["packages", "apps", "bench"]
  .flatMap((folder) => filesBelow(join(import.meta.dirname, folder), (path) => path.endsWith(".test.ts")))
  .filter((path) => ofWorker.test(readFileSync(path, "utf8")))
  .map((path) =>
    relative(import.meta.dirname, path)
      .split(sep)
      .join("/"),
  )
  .concat("packages/backend-*/{src,test}/**/*.test.ts");

// Seconds of work take many on a busy machine; what hangs still ends.
const patience = { testTimeout: 60_000, hookTimeout: 60_000 };

export default defineConfig({
  resolve: { conditions: [source, ...defaultClientConditions] },
  ssr: { resolve: { conditions: [source, ...defaultServerConditions] } },
  test: {
    reporters: ["default", "./scripts/totals-reporter.mjs"],
    setupFiles: ["./test/support/property-seed.ts"],
    // Vitest leaves one core to its own process, which on two cores would leave one for all tests.
    maxWorkers: "100%",
    projects: [
      {
        extends: true,
        test: {
          // A worker keeps what it has loaded for its next file: to load the tensors anew takes longer than most files.
          name: "packages",
          include: ["{packages,apps}/*/{src,test}/**/*.test.ts", "bench/**/*.test.ts"],
          exclude: [...ownWorker, "**/node_modules/**"],
          isolate: false,
          ...patience,
        },
      },
      {
        extends: true,
        test: { name: "packages, a worker each", include: ownWorker, ...patience },
      },
      {
        extends: true,
        test: {
          name: "repository",
          include: ["test/*.test.ts"],
          testTimeout: 120_000,
        },
      },
      {
        extends: true,
        test: {
          // What users get: the packages as they are published. Builds and packs them first.
          name: "packed",
          include: ["test/packed/*.test.ts"],
          globalSetup: ["test/support/pack.ts"],
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
});
