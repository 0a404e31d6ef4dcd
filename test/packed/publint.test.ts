/** The published packages are right for every consumer: publint and attw on the tarballs, and what is in them. */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { describe, expect, test } from "vitest";
import { command } from "../support/command.js";
import { packed } from "../support/install.js";
import { emptyFolder, root } from "../support/paths.js";

const attw = join(
  createRequire(import.meta.url).resolve("@arethetypeswrong/cli/package.json"),
  "..",
  "dist",
  "index.js",
);

describe.each(packed())("$name", ({ path }) => {
  test("publint has nothing to say", async () => {
    const bytes = readFileSync(path);
    const tarball = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
    const { messages, pkg } = await publint({ pack: { tarball }, strict: true });
    expect(messages.map((message) => formatMessage(message, pkg, { color: false }))).toEqual([]);
  });

  test("attw finds the types of every entry point", async () => {
    const { stdout } = await command(process.execPath, [attw, path, "--profile", "esm-only", "--format", "json"], root);
    const { analysis } = JSON.parse(stdout) as { analysis: { types: unknown } };
    expect(analysis.types).not.toBe(false);
  });

  test("holds sources with maps, the licence and the README, and no tests", async () => {
    const { stdout } = await command("tar", ["-tzf", path], emptyFolder());
    const files = stdout.trim().split("\n");
    expect(files).toEqual(expect.arrayContaining(["package/LICENSE", "package/README.md", "package/src/index.ts"]));
    expect(files.filter((file) => /\.test\.|fixtures|tsconfig|\.tsbuildinfo/.test(file))).toEqual([]);
    const built = files.filter((file) => file.endsWith(".js"));
    for (const file of built) {
      const stem = file.slice(0, -".js".length);
      expect(files).toEqual(
        expect.arrayContaining([
          `${stem}.js.map`,
          `${stem}.d.ts`,
          `${stem}.d.ts.map`,
          `${stem.replace("/dist/", "/src/")}.ts`,
        ]),
      );
    }
  });

  test("asks for nothing of the workspace", async () => {
    const { stdout } = await command("tar", ["-xzOf", path, "package/package.json"], emptyFolder());
    expect(stdout).not.toContain("workspace:");
  });
});
