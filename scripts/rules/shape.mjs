/** Rule: every package has the one common shape of scripts/package-shape.mjs. */

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { floorOf } from "../floors.mjs";
import * as shape from "../package-shape.mjs";
import { entries, filesBelow, sourceCondition } from "../workspace.mjs";

/**
 * What departs from the shape, one sentence each.
 *
 * @param {import("../workspace.mjs").Package} pkg
 * @param {string} root
 * @returns {string[]}
 */
export function shapeProblems(pkg, root) {
  return [...manifestProblems(pkg), ...exportProblems(pkg), ...fileProblems(pkg), ...registrationProblems(pkg, root)];
}

function manifestProblems({ name, manifest }) {
  const problems = [];
  const say = (text) => problems.push(`package.json: ${text}`);

  if (manifest.name !== shape.scope + name) say(`name is ${manifest.name}, the folder says ${shape.scope}${name}`);
  if (floorOf(name) === undefined) say(`${name} stands on no floor; add it to scripts/floors.mjs`);
  for (const [field, wanted] of Object.entries(shape.commonManifest)) {
    if (!isDeepStrictEqual(manifest[field], wanted)) say(`${field} must be ${JSON.stringify(wanted)}`);
  }
  for (const [script, wanted] of Object.entries(shape.commonScripts)) {
    if (manifest.scripts?.[script] !== wanted) say(`script ${script} must be "${wanted}"`);
  }
  for (const script of ["preinstall", "install", "postinstall", "prepublish", "prepare"]) {
    if (manifest.scripts?.[script]) say(`script ${script} would run at installation; none may`);
  }
  for (const field of ["main", "module", "types", "typings", "browser"]) {
    if (field in manifest) say(`${field} is read by nothing that ESM-only packages support; exports says it all`);
  }
  if (!manifest.description?.endsWith(".")) say("description must be a sentence");
  if (!manifest.keywords?.length) say("keywords must name at least the subject");
  return [...problems, ...dependencyProblems(manifest)];
}

function dependencyProblems(manifest) {
  const problems = [];
  const ours = (field) => Object.entries(manifest[field] ?? {}).filter(([name]) => name.startsWith(shape.scope));
  for (const [name] of ours("dependencies")) {
    // Two copies of one of our packages in a program would not know each other's tensors.
    problems.push(`package.json: ${name} must be a peer dependency, not a dependency`);
  }
  for (const [name, range] of ours("peerDependencies")) {
    if (range !== shape.peerRange)
      problems.push(`package.json: peer ${name} must be "${shape.peerRange}", is "${range}"`);
    if (!manifest.devDependencies?.[name]) problems.push(`package.json: peer ${name} must be a dev dependency too`);
  }
  for (const [name, range] of ours("devDependencies")) {
    if (range !== "workspace:*") problems.push(`package.json: dev dependency ${name} must be "workspace:*"`);
  }
  return problems;
}

function exportProblems({ directory, manifest }) {
  const problems = [];
  const say = (subpath, text) => problems.push(`package.json: exports["${subpath}"]: ${text}`);
  const targets = Object.entries(manifest.exports ?? {});
  if (!manifest.exports?.["."]) say(".", "is missing");
  if (manifest.exports?.["./package.json"] !== "./package.json") say("./package.json", 'must be "./package.json"');

  for (const [subpath, target] of targets) {
    if (subpath === "./package.json") continue;
    const { node, ...portable } = target;
    for (const variant of node ? [node, portable] : [portable]) {
      const source = variant[sourceCondition];
      if (!source?.startsWith("./src/")) {
        say(subpath, `needs a "${sourceCondition}" below ./src`);
      } else if (!existsSync(join(directory, source))) {
        say(subpath, `${source} does not exist`);
      } else if (JSON.stringify(variant) !== JSON.stringify(shape.exportOf(source))) {
        // Order matters too: the first condition that holds wins.
        say(subpath, `must be ${JSON.stringify(shape.exportOf(source))}`);
      }
    }
    if (node && Object.keys(target)[0] !== "node") say(subpath, '"node" must be the first condition');
  }
  return problems;
}

function fileProblems({ directory, manifest }) {
  const problems = [];
  const read = (file) => {
    if (existsSync(join(directory, file))) return readFileSync(join(directory, file), "utf8");
    problems.push(`${file} is missing`);
    return undefined;
  };
  const compare = (file, wanted) => {
    const text = read(file);
    if (text === undefined) return;
    if (!isDeepStrictEqual(JSON.parse(text), wanted)) problems.push(`${file} must be ${JSON.stringify(wanted)}`);
  };

  compare("tsconfig.json", shape.tsconfig);
  // A package whose code is for Node alone says so in one place: types: ["node"].
  const forNode = { ...shape.tsconfigBuild.compilerOptions, types: ["node"] };
  const build = read("tsconfig.build.json");
  if (build && !isDeepStrictEqual(JSON.parse(build), { ...shape.tsconfigBuild, compilerOptions: forNode })) {
    compare("tsconfig.build.json", shape.tsconfigBuild);
  }
  compare("typedoc.json", shape.typedocConfig(entries(manifest).map(({ source }) => source)));

  const budgets = read("size-budgets.json");
  if (budgets && JSON.parse(budgets).length === 0) problems.push("size-budgets.json must hold at least one budget");

  const readme = read("README.md");
  if (readme) problems.push(...readmeProblems(readme, manifest));

  if (filesBelow(directory, (path) => path.endsWith(".test.ts")).length === 0) problems.push("has no test");
  for (const path of filesBelow(join(directory, "src"), (file) => /\/(utils?|helpers?|misc)\.ts$/.test(file))) {
    problems.push(`${path.slice(directory.length + 1)}: a file is named after its idea`);
  }
  return problems;
}

function readmeProblems(readme, manifest) {
  const problems = [];
  const headings = [...readme.matchAll(/^## (.+)$/gm)].map(([, heading]) => heading);
  const common = headings.filter((heading) => shape.readmeSections.includes(heading));
  if (!isDeepStrictEqual(common, shape.readmeSections)) {
    problems.push(`README.md must have the sections ${shape.readmeSections.join(", ")}, in this order`);
  }
  if (!readme.startsWith(`# ${manifest.name}\n`)) problems.push(`README.md must open with "# ${manifest.name}"`);
  if (!/^```ts$/m.test(readme)) problems.push("README.md must have a runnable ```ts example");
  const installed = readme.match(/^npm install .*$/m)?.[0].split(" ") ?? [];
  for (const name of [manifest.name, ...Object.keys(manifest.peerDependencies ?? {})]) {
    if (manifest.peerDependenciesMeta?.[name]?.optional || installed.includes(name)) continue;
    problems.push(`README.md: the install line must name ${name}`);
  }
  return problems;
}

/** A package is known to the documentation site and to the table in the root README. */
function registrationProblems({ name, manifest }, root) {
  const problems = [];
  const docs = JSON.parse(readFileSync(join(root, "docs", "package.json"), "utf8"));
  if (docs.devDependencies?.[manifest.name] !== "workspace:*") {
    problems.push(`docs/package.json must have the dev dependency "${manifest.name}": "workspace:*"`);
  }
  if (!readFileSync(join(root, "README.md"), "utf8").includes(`](packages/${name})`)) {
    problems.push(`the packages table of the root README.md does not list ${manifest.name}`);
  }
  return problems;
}
