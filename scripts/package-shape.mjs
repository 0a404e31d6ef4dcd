/**
 * The one common shape of a package: what `pnpm new-package` writes and what `pnpm check:packages` compares with.
 */

import { sourceCondition } from "./workspace.mjs";

export const scope = "@curv/";

/**
 * Peers of packages below 1.0: wide, so that a minor release of one package is not a major one of the others. The
 * packages begin at 0.1.0, or npm would refuse to install them together before their first release.
 */
export const peerRange = "workspace:>=0.1.0 <1.0.0";

/** Headings of every README, in this order; what the package is about stands above the first. */
export const readmeSections = ["Install", "Example", "What it implements", "Accuracy and cost", "API"];

/** Fields of package.json that are the same everywhere. */
export const commonManifest = {
  license: "MIT",
  type: "module",
  sideEffects: false,
  engines: { node: ">=20.19" },
  files: ["dist", "src", "!**/*.test.*", "!**/fixtures"],
  publishConfig: { access: "public" },
};

export const commonScripts = {
  build: "node ../../scripts/build-package.mjs",
  typecheck: "tsc -p tsconfig.json",
};

export const tsconfig = {
  extends: "../../tsconfig.base.json",
  compilerOptions: { noEmit: true },
  include: ["src", "test"],
};

export const tsconfigBuild = {
  extends: "./tsconfig.json",
  compilerOptions: { noEmit: false, rootDir: "src", outDir: "dist", customConditions: [], types: [] },
  include: ["src"],
  exclude: ["src/**/*.test.ts"],
};

/**
 * The entry in `exports` for a source file: this repository reads the source, everyone else what was built from it.
 *
 * @param {string} source - "./src/random/index.ts"
 */
export function exportOf(source) {
  const built = source.replace("./src/", "./dist/").replace(/\.ts$/, "");
  return { [sourceCondition]: source, types: `${built}.d.ts`, default: `${built}.js` };
}

/**
 * @param {string[]} sources - Sources of the entry points: "./src/index.ts".
 */
export function typedocConfig(sources) {
  return {
    extends: ["../../docs/typedoc.package.json"],
    entryPoints: sources.map((source) => source.replace("./", "")),
  };
}

/**
 * All files of a new package, by their path inside it.
 *
 * @param {string} name - Without the scope.
 * @param {string} description - One sentence.
 * @param {string} version - That of the other packages.
 * @returns {Record<string, string>}
 */
export function newPackageFiles(name, description, version) {
  const manifest = {
    name: `${scope}${name}`,
    version,
    description,
    keywords: [name],
    ...pick(commonManifest, ["license", "type", "sideEffects", "engines"]),
    exports: { ".": exportOf("./src/index.ts"), "./package.json": "./package.json" },
    files: commonManifest.files,
    scripts: commonScripts,
    peerDependencies: { "@curv/tensor": peerRange },
    devDependencies: { "@curv/tensor": "workspace:*" },
    publishConfig: commonManifest.publishConfig,
  };
  return {
    "package.json": json(manifest),
    "README.md": readme(name, description),
    "tsconfig.json": json(tsconfig),
    "tsconfig.build.json": json(tsconfigBuild),
    "typedoc.json": json(typedocConfig(["./src/index.ts"])),
    // Minified and compressed, peers not counted; test/packed/size.test.ts measures.
    "size-budgets.json": json([{ import: "*", from: `${scope}${name}`, kilobytes: 10 }]),
    "src/index.ts": `/**\n * ${description}\n *\n * @packageDocumentation\n */\n\nexport {};\n`,
    "src/index.test.ts": firstTest(name),
  };
}

function readme(name, description) {
  const full = `${scope}${name}`;
  return `# ${full}

${description}

## Install

\`\`\`sh
npm install ${full} @curv/tensor
\`\`\`

## Example

\`\`\`ts
import * as ${camelCase(name)} from "${full}";

console.log(Object.keys(${camelCase(name)}));
\`\`\`

## What it implements

| Paper or method | Function |
| --- | --- |

## Accuracy and cost

## API

Every export is documented, with shapes, units, errors and sources, on the documentation site (\`pnpm run docs\`).
`;
}

function firstTest(name) {
  return `/** The package can be imported by its published name, and exports names only. */

import { expect, test } from "vitest";
import * as entry from "${scope}${name}";

test("the entry point has no default export", () => {
  expect(Object.keys(entry)).not.toContain("default");
});
`;
}

/** @param {unknown} value */
export function json(value) {
  return `${JSON.stringify(value, null, 2)}\n`;
}

function pick(object, keys) {
  return Object.fromEntries(keys.map((key) => [key, object[key]]));
}

function camelCase(name) {
  return name.replace(/-([a-z])/g, (_, letter) => letter.toUpperCase());
}
