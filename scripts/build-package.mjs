/** Builds the package in the current directory: sources to `dist`, one file each, with declarations and maps. */

import { rmSync } from "node:fs";
import { compile } from "./tsc.mjs";

// Without this, a source file that was renamed or removed would live on in the published package.
rmSync("dist", { recursive: true, force: true });

process.exit(compile("tsconfig.build.json"));
