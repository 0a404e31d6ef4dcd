/** Rules: who may import whom (scripts/floors.mjs), and that every import is declared. */

import { readFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { dirname, join, relative, resolve } from "node:path";
import ts from "typescript";
import { refusal } from "../floors.mjs";
import { scope } from "../package-shape.mjs";
import { entries, filesBelow } from "../workspace.mjs";

/** Only the entry point "./testing" may load a test runner. */
const testTools = ["vitest", "fast-check", "@fast-check/vitest"];

/**
 * @param {import("../workspace.mjs").Package} pkg
 * @returns {string[]}
 */
export function importProblems(pkg) {
  const files = ["src", "test"].flatMap((folder) =>
    filesBelow(join(pkg.directory, folder), (file) => file.endsWith(".ts")),
  );
  return [
    ...files.flatMap((file) => fileProblems(pkg, file)),
    ...entries(pkg.manifest).flatMap((entry) => loadProblems(pkg, entry)),
  ];
}

/**
 * Cycles among packages: each package may be listed by its imports, but no chain of imports leads back.
 *
 * @param {import("../workspace.mjs").Package[]} all
 * @returns {string[]}
 */
export function cycles(all) {
  const peers = new Map(all.map(({ manifest }) => [manifest.name, Object.keys(manifest.peerDependencies ?? {})]));
  const reaches = (from, to, seen = new Set()) =>
    (peers.get(from) ?? []).some((next) => {
      if (next === to) return true;
      if (seen.has(next)) return false;
      seen.add(next);
      return reaches(next, to, seen);
    });
  return [...peers.keys()]
    .filter((name) => reaches(name, name))
    .map((name) => `${name} depends on itself through its peers`);
}

/** Floors and declarations of one file. */
function fileProblems({ name, directory, manifest }, file) {
  const problems = [];
  const where = relative(directory, file);
  const isTest = /\.test\.ts$|^test[\\/]/.test(where);
  const declared = { ...manifest.dependencies, ...manifest.peerDependencies };
  if (isTest) Object.assign(declared, manifest.devDependencies);

  for (const specifier of importsOf(file).all) {
    if (specifier.startsWith(".") || specifier.startsWith("#") || isBuiltin(specifier)) continue;
    const imported = packageOf(specifier);
    // Tests of a backend run users' programs, which stand on every floor.
    const isProgram = isTest && name.startsWith("backend-") && imported in declared;
    if (imported.startsWith(scope) && !isProgram) {
      const reason = refusal(name, imported.slice(scope.length));
      if (reason) problems.push(`${where}: may not import ${imported}: ${reason}`);
    }
    // Tests may use what the root of the workspace installs for all tests.
    const known = imported === manifest.name || imported in declared || (isTest && testTools.includes(imported));
    if (!known) problems.push(`${where}: imports ${imported}, which package.json does not declare`);
    if (!isTest && specifier === `${scope}tensor/testing`) problems.push(`${where}: ${specifier} is for tests only`);
  }
  return problems;
}

/** What one entry point would load: no Node module outside the `node` condition, no test runner outside "./testing". */
function loadProblems({ directory, manifest }, { subpath, source, node }) {
  const problems = [];
  const seen = new Set();
  const visit = (file) => {
    if (seen.has(file)) return;
    seen.add(file);
    for (const specifier of importsOf(file).values) {
      const where = `${relative(directory, file)} (loaded by "${subpath}")`;
      if (specifier.startsWith(".")) visit(resolve(dirname(file), specifier).replace(/\.js$/, ".ts"));
      else if (specifier.startsWith("#")) visitInternal(specifier);
      else if (isBuiltin(specifier) && !node) problems.push(`${where}: ${specifier} outside the "node" condition`);
      else if (testTools.includes(packageOf(specifier)) && subpath !== "./testing") {
        problems.push(`${where}: ${specifier} may be loaded by "./testing" only`);
      }
    }
  };
  // "#name" stands in package.json's imports: { node: …, default: … }, written like an entry of exports.
  const visitInternal = (specifier) => {
    const found = entries({ exports: { [specifier]: manifest.imports?.[specifier] } });
    const variant = found.find((each) => each.node === node) ?? found[0];
    if (variant) visit(join(directory, variant.source));
    else problems.push(`package.json: imports["${specifier}"] is missing`);
  };
  visit(join(directory, source));
  return problems;
}

/** Specifiers of a file: `all` of them, and the `values` among them (types vanish from what is loaded). */
function importsOf(file) {
  let text;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    return { all: [], values: [] }; // a path that does not resolve is the type-check's affair
  }
  const all = new Set();
  const values = new Set();
  const visit = (node) => {
    let specifier;
    let typeOnly = false;
    if (ts.isImportDeclaration(node)) {
      specifier = node.moduleSpecifier;
      typeOnly = node.importClause?.isTypeOnly ?? false;
    } else if (ts.isExportDeclaration(node)) {
      specifier = node.moduleSpecifier;
      typeOnly = node.isTypeOnly;
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      specifier = node.arguments[0];
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      specifier = node.argument.literal;
      typeOnly = true;
    }
    if (specifier && ts.isStringLiteralLike(specifier)) {
      all.add(specifier.text);
      if (!typeOnly) values.add(specifier.text);
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true));
  return { all: [...all], values: [...values] };
}

function packageOf(specifier) {
  return specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
}

function isBuiltin(specifier) {
  return specifier.startsWith("node:") || builtinModules.includes(packageOf(specifier));
}
