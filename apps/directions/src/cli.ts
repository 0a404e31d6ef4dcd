#!/usr/bin/env node
/** The program: gives the command its arguments and streams, and turns Ctrl-C into a clean end. */

import { main } from "./main.js";

const controller = new AbortController();
// Once: a second Ctrl-C ends the process at once.
process.once("SIGINT", () => controller.abort());
process.once("SIGTERM", () => controller.abort());

process.exitCode = await main(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  // npm and pnpm change the directory before they run a script, and say here where the user is.
  directory: process.env["INIT_CWD"] ?? process.cwd(),
  signal: controller.signal,
});
