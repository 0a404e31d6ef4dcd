/** What `pnpm new-package` makes keeps the rules for packages, and each rule finds its offence. */

import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { problems } from "../scripts/check-packages.mjs";
import { refusal } from "../scripts/floors.mjs";
import { newPackage } from "../scripts/new-package.mjs";
import { emptyFolder, root } from "./support/paths.js";

let workspace: string;

beforeEach(async () => {
  workspace = emptyFolder();
  cpSync(join(root, "docs/package.json"), join(workspace, "docs/package.json"));
  writeFileSync(join(workspace, "pnpm-lock.yaml"), "");
  writeFileSync(join(workspace, "README.md"), "| Package | Subject |\n| --- | --- |\n| [`x`](packages/x) | X. |\n");
  mkdirSync(join(workspace, "packages"));
  await newPackage(workspace, "ode", "Solvers of differential equations.");
});

/** Puts a file into the package. */
function put(path: string, text: string): void {
  writeFileSync(join(workspace, "packages/ode", path), text);
}

/** Changes its package.json. */
function amend(change: (manifest: Record<string, unknown>) => void): void {
  const manifest = JSON.parse(readFileSync(join(workspace, "packages/ode/package.json"), "utf8")) as Record<
    string,
    unknown
  >;
  change(manifest);
  put("package.json", JSON.stringify(manifest));
}

test("a new package has nothing to mend", () => {
  expect(problems(workspace)).toEqual([]);
});

test("the generator refuses unknown names, existing packages and missing descriptions", async () => {
  await expect(newPackage(workspace, "unheard-of", "A package.")).rejects.toThrow("stands on no floor");
  await expect(newPackage(workspace, "ode", "A package.")).rejects.toThrow("exists");
  await expect(newPackage(workspace, "nn", "no sentence")).rejects.toThrow("one sentence");
  await expect(newPackage(workspace, "Nn", "A package.")).rejects.toThrow("no package name");
});

describe("shape", () => {
  test.each([
    ["an install script", { scripts: { postinstall: "node x.js" } }, "script postinstall would run at installation"],
    ["another module type", { type: "commonjs" }, 'type must be "module"'],
    ["side effects", { sideEffects: true }, "sideEffects must be false"],
    ["another Node", { engines: { node: ">=18" } }, "engines must be"],
    ["one of ours as a dependency", { dependencies: { "@curv/tensor": "workspace:*" } }, "must be a peer dependency"],
    ["a narrow peer range", { peerDependencies: { "@curv/tensor": "workspace:^" } }, "peer @curv/tensor must be"],
    ["no entry point", { exports: {} }, 'exports["."]: is missing'],
  ])("%s", (_, fields, message) => {
    amend((manifest) => Object.assign(manifest, fields));
    expect(problems(workspace).join("\n")).toContain(message);
  });

  test("conditions in another order", () => {
    amend((manifest) => {
      manifest.exports = {
        ".": { default: "./dist/index.js", types: "./dist/index.d.ts", "@curv/source": "./src/index.ts" },
        "./package.json": "./package.json",
      };
    });
    expect(problems(workspace).join("\n")).toContain('exports["."]: must be');
  });

  test("a version in the source that is not the package's", () => {
    put("src/version.ts", 'export const packageVersion = "0.0.7";\n');
    expect(problems(workspace).join("\n")).toContain("packages/ode/src/version.ts: packageVersion");
  });

  test("a README without its sections", () => {
    put("README.md", "# @curv/ode\n");
    expect(problems(workspace).join("\n")).toContain("README.md must have the sections");
  });
});

describe("imports", () => {
  test.each([
    ["a sibling", 'export { mse } from "@curv/loss";', "may not import @curv/loss: floor 2 may import only tensor"],
    ["a backend", 'export type { Blas } from "@curv/backend-blas";', "no package names a backend"],
    ["something undeclared", 'export { parse } from "json5";', "imports json5, which package.json does not declare"],
    ["a Node module", 'export { readFile } from "node:fs/promises";', 'node:fs/promises outside the "node" condition'],
    ["a Node module, later", 'export const f = () => import("node:fs");', 'node:fs outside the "node" condition'],
    ["a test runner", 'export { test } from "vitest";', 'vitest may be loaded by "./testing" only'],
  ])("%s", (_, line, message) => {
    put("src/index.ts", `${line}\n`);
    expect(problems(workspace).join("\n")).toContain(message);
  });

  test("a Node module behind the node condition is fine", () => {
    amend((manifest) => {
      const variant = (stem: string): object => ({
        "@curv/source": `./src/${stem}.ts`,
        types: `./dist/${stem}.d.ts`,
        default: `./dist/${stem}.js`,
      });
      manifest.exports = {
        ".": { node: variant("index.node"), ...variant("index") },
        "./package.json": "./package.json",
      };
    });
    put("src/index.node.ts", 'export { readFile } from "node:fs/promises";\n');
    put(
      "typedoc.json",
      JSON.stringify({
        extends: ["../../docs/typedoc.package.json"],
        entryPoints: ["src/index.node.ts", "src/index.ts"],
      }),
    );
    expect(problems(workspace)).toEqual([]);
  });

  test.each([
    ["ode", "tensor", undefined],
    ["hvp", "linsolve", undefined],
    ["rl", "optim", undefined],
    ["rl", "pde", "on floor 3 only"],
    ["optim", "backend-cuda", "no package names a backend"],
    ["tensor", "nn", "floor 0 may import only tensor"],
    ["backend-blas", "linsolve", "floor 1 may import only tensor"],
  ])("%s imports %s", (from, to, reason) => {
    if (reason === undefined) expect(refusal(from, to)).toBeUndefined();
    else expect(refusal(from, to)).toContain(reason);
  });
});

describe("sources", () => {
  test.each([
    ["export default 1;", "default export"],
    ["const one = 1;\nexport { one as default };", "default export"],
    ["export const x: number = await Promise.resolve(1);", "top-level await"],
    ["export const cores: number = process.pid;", "process read at module load"],
    ['export const worker: Worker = /* @__PURE__ */ new Worker("x");', "worker started at module load"],
    ["export const table: object = make();", "top-level call of make needs"],
    ["export const table: object = { a: [make()] };", "top-level call of make needs"],
    ['register("x");', "code at module load"],
    [
      'import * as ns from "./other.js";\nexport const f = (k: string): unknown => ns[k as never];',
      "indexed by a variable",
    ],
  ])("%s", (text, message) => {
    put("src/part.ts", `${text}\n`);
    expect(problems(workspace).join("\n")).toContain(message);
  });

  test.each([
    ["export const table: object = /* @__PURE__ */ make();"],
    ['export const seen: Set<string> = new Set(["a"]);'],
    ['export const inNode = (): boolean => typeof process !== "undefined" && process.pid > 0;'],
    ["export const process = 1;"],
  ])("%s is fine", (text) => {
    put("src/part.ts", `${text}\n`);
    expect(problems(workspace)).toEqual([]);
  });

  test("an entry point with code of its own", () => {
    put("src/index.ts", "export function f(): number {\n  return 1;\n}\n");
    expect(problems(workspace).join("\n")).toContain("only re-exports");
  });
});
