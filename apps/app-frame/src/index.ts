/**
 * What the apps share: a command line from a declaration, progress on the terminal, Ctrl-C as an AbortSignal, exit codes.
 *
 * @packageDocumentation
 */

export { defineApp, exitCodes, start, type App, type Context, type Declaration, type Surroundings } from "./app.js";
export { breathe } from "./breathe.js";
export {
  flag,
  inputFile,
  integer,
  number,
  oneOf,
  outputFile,
  outputFolder,
  section,
  seed,
  someOf,
  text,
  UsageError,
  type Option,
  type Options,
  type ValuesOf,
} from "./options.js";
export { checkList, textTable, wrap, type Check, type Output, type Step, type Table } from "./terminal.js";
