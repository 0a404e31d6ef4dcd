/** The tests of the whole repository run in one process, on the packages' sources: no build is needed. */

import { defaultClientConditions, defaultServerConditions } from "vite";
import { defineConfig } from "vitest/config";

// Each package exports its sources under this condition (see tsconfig.base.json, which uses the same).
const source = "@curv/source";

export default defineConfig({
  resolve: { conditions: [source, ...defaultClientConditions] },
  ssr: { resolve: { conditions: [source, ...defaultServerConditions] } },
  test: {
    reporters: ["default", "./scripts/totals-reporter.mjs"],
    // Vitest leaves one core to its own process, which on two cores would leave one for all tests.
    maxWorkers: "100%",
    projects: [
      {
        extends: true,
        test: {
          name: "packages",
          include: ["{packages,apps}/*/{src,test}/**/*.test.ts", "bench/**/*.test.ts"],
          // Seconds of work take many on a busy machine; what hangs still ends.
          testTimeout: 60_000,
        },
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
