/** Type-checks the whole repository: packages and apps as one program, so that what they share is checked once. */

import { compile } from "./tsc.mjs";

const projects = [
  "tsconfig.sources.json",
  "bench/tsconfig.json",
  "test/tsconfig.json",
  "scripts/gpu/tsconfig.json",
  "tsconfig.json",
];

process.exit(Math.max(...projects.map(compile)));
