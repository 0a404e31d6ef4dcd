/** The first example of each README runs in Node from the published package, installed in an empty folder. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { describe, expect, test } from "vitest";
import { command } from "../support/command.js";
import { examplesOf, statedOutput } from "../support/examples.js";
import { consumerOf, missingPackage, packed, withPeers } from "../support/install.js";

const tarballs = packed();

describe.each(tarballs)("$name", ({ name, directory }) => {
  test("installed without scripts, runs its README example", async ({ skip }) => {
    const [example] = examplesOf(join(directory, "README.md"), directory);
    const folder = consumerOf(withPeers(tarballs, name));
    const missing = missingPackage(example.code, folder);
    if (missing !== null) skip(`${missing} is an optional peer; examples.test.ts runs the example`);
    const { outputText } = ts.transpileModule(example.code, {
      compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext },
    });
    writeFileSync(join(folder, "example.js"), outputText);
    const { stdout, stderr } = await command(process.execPath, ["example.js"], folder);
    expect(stderr).toBe("");
    for (const line of statedOutput(example.code)) expect(stdout.split("\n")).toContain(line);
  });
});
