/** Every TypeScript block of the READMEs and guides compiles, runs, and prints what its comments say. */

import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { format } from "node:util";
import { join, relative } from "node:path";
import ts from "typescript";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { type Example, examples, fileName, statedOutput } from "./support/examples.js";
import { use } from "../packages/tensor/src/index.js";
import { root } from "./support/paths.js";

const all = examples();

/** Beside the Markdown file, so that an example can import what a file of that package can. */
const folderOf = ({ directory }: Example): string => join(directory, ".cache", "examples");
const pathOf = (example: Example): string => join(folderOf(example), fileName(example));

beforeAll(() => {
  for (const example of all) {
    mkdirSync(folderOf(example), { recursive: true });
    writeFileSync(pathOf(example), example.code);
  }
});

afterAll(() => {
  for (const example of all) rmSync(folderOf(example), { recursive: true, force: true });
});

describe.runIf(all.length > 0)("examples", () => {
  test("compile", () => {
    const errors = typeErrors(all);
    expect(errors).toEqual([]);
  });

  for (const example of all.filter(({ runs }) => runs)) {
    test(`${example.where} runs`, async () => {
      const printed: string[] = [];
      const log = vi.spyOn(console, "log").mockImplementation((...values) => void printed.push(format(...values)));
      try {
        await import(/* @vite-ignore */ pathOf(example));
      } finally {
        log.mockRestore();
        // An example may choose a backend; the next one is a program of its own.
        use("cpu");
      }
      for (const line of statedOutput(example.code)) expect(printed).toContain(line);
    });
  }
});

/** Type errors of the examples under the compiler options of the repository, at their lines in the Markdown. */
function typeErrors(some: readonly Example[]): string[] {
  const config = ts.readConfigFile(join(root, "tsconfig.base.json"), (path) => ts.sys.readFile(path));
  const { options } = ts.parseJsonConfigFileContent(config.config, ts.sys, root);
  const program = ts.createProgram(some.map(pathOf), {
    ...options,
    noEmit: true,
    // An example is a program, not a library.
    declaration: false,
    declarationMap: false,
    isolatedDeclarations: false,
  });
  return some.flatMap((example) => {
    const file = program.getSourceFile(pathOf(example));
    return ts.getPreEmitDiagnostics(program, file).map(({ messageText, start = 0 }) => {
      const line = (file?.getLineAndCharacterOfPosition(start).line ?? 0) + example.line;
      const where = relative(root, example.where).replace(/:\d+$/, "");
      return `${where}:${line}: ${ts.flattenDiagnosticMessageText(messageText, "\n")}`;
    });
  });
}
