/** The tests of the whole repository run in one process, on the packages' sources: no build is needed. */

import { defineConfig } from "vitest/config";
import { defaultClientConditions, defaultServerConditions } from "vite";

// Each package exports its sources under this condition (see tsconfig.base.json, which uses the same).
const source = "@curv/source";

export default defineConfig({
  resolve: { conditions: [source, ...defaultClientConditions] },
  ssr: { resolve: { conditions: [source, ...defaultServerConditions] } },
  test: {
    reporters: ["default"],
    projects: [
      {
        extends: true,
        test: {
          name: "packages",
          include: ["{packages,apps}/*/{src,test}/**/*.test.ts", "bench/**/*.test.ts"],
        },
      },
    ],
  },
});
