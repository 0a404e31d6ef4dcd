/** The published declarations and the READMEs' examples compile for users of three TypeScript versions. */

import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { examplesOf } from "../support/examples.js";
import { command } from "../support/command.js";
import { consumerOfAll, missingPackage, packed } from "../support/install.js";

const tarballs = packed();
const require = createRequire(import.meta.url);
let folder: string;

beforeAll(() => {
  folder = consumerOfAll();
  const subpaths = tarballs.flatMap(({ name, directory }) => {
    const { exports } = JSON.parse(readFileSync(join(directory, "package.json"), "utf8")) as { exports: object };
    return Object.keys(exports)
      .filter((subpath) => subpath !== "./package.json")
      .map((subpath) => name + subpath.slice(1));
  });
  const imports = subpaths.map((path, index) => `import * as entry${index} from "${path}";`);
  writeFileSync(
    join(folder, "entries.ts"),
    [...imports, `console.log(${subpaths.map((_, index) => `entry${index}`).join(", ")});`].join("\n"),
  );
  tarballs
    .flatMap(({ directory }) => examplesOf(join(directory, "README.md"), directory))
    .filter(({ code }) => missingPackage(code, folder) === null)
    .forEach(({ code }, index) => writeFileSync(join(folder, `example-${index}.ts`), `${code}\nexport {};\n`));
  const compilerOptions = {
    strict: true,
    noEmit: true,
    module: "NodeNext",
    target: "ES2022",
    lib: ["ES2023", "ESNext.Disposable", "DOM"],
    types: [],
    // Our declarations are what is tested.
    skipLibCheck: false,
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["*.ts"] }));
});

test.each([
  ["5.9", "typescript-5.9"],
  ["6.0", "typescript"],
  ["7.0", "typescript-7.0"],
])("TypeScript %s", async (version, alias) => {
  const compiler = dirname(require.resolve(`${alias}/package.json`));
  const { stdout } = await command(process.execPath, [join(compiler, "bin", "tsc"), "--version"], folder);
  expect(stdout).toContain(`Version ${version}`);
  await command(process.execPath, [join(compiler, "bin", "tsc"), "-p", "."], folder);
});
