/** Rules for each source file: importing it runs nothing, and bundlers can drop every part that is not used. */

import { readFileSync } from "node:fs";
import { join, relative } from "node:path";
import ts from "typescript";
import { entries, filesBelow } from "../workspace.mjs";

/** Constructors and functions that bundlers know to be free of side effects; all others need the annotation. */
const knownPure = new Set(["Map", "Set", "WeakMap", "WeakSet", "Symbol", "Symbol.for"]);

/**
 * @param {import("../workspace.mjs").Package} pkg
 * @returns {string[]}
 */
export function sourceProblems({ directory, manifest }) {
  const entryFiles = new Set(entries(manifest).map(({ source }) => join(directory, source)));
  return filesBelow(join(directory, "src"), (file) => file.endsWith(".ts") && !file.endsWith(".test.ts")).flatMap(
    (file) => {
      const source = ts.createSourceFile(file, readFileSync(file, "utf8"), ts.ScriptTarget.Latest, true);
      const problems = [];
      const say = (node, text) => {
        const { line } = source.getLineAndCharacterOfPosition(node.getStart(source));
        problems.push(`${relative(directory, file)}:${line + 1}: ${text}`);
      };
      // A suite of tests is data and calls by nature, and nobody bundles one.
      const bundled = !file.startsWith(join(directory, "src", "testing"));
      for (const statement of source.statements) statementProblems(statement, source, say, bundled);
      if (entryFiles.has(file) && file.endsWith("index.ts")) reExportProblems(source, say);
      namespaceProblems(source, say);
      return problems;
    },
  );
}

/** What stands at the top level of a module runs when it is imported. */
function statementProblems(statement, source, say, bundled) {
  if (ts.isExportAssignment(statement) || hasModifier(statement, ts.SyntaxKind.DefaultKeyword)) {
    say(statement, "default export; exports have names");
  }
  if (ts.isExportDeclaration(statement) && statement.exportClause && ts.isNamedExports(statement.exportClause)) {
    for (const element of statement.exportClause.elements) {
      if (element.name.text === "default") say(element, "default export; exports have names");
    }
  }
  if (ts.isVariableStatement(statement)) {
    for (const { initializer } of statement.declarationList.declarations) {
      if (initializer && bundled) pureProblems(initializer, source, say);
    }
  } else if (isCode(statement)) {
    say(statement, "code at module load; a bundler may drop it, so nothing may depend on it");
  }
  loadProblems(statement, say);
}

function isCode(statement) {
  return !(
    ts.isImportDeclaration(statement) ||
    ts.isExportDeclaration(statement) ||
    ts.isExportAssignment(statement) ||
    ts.isFunctionDeclaration(statement) ||
    ts.isClassDeclaration(statement) ||
    ts.isInterfaceDeclaration(statement) ||
    ts.isTypeAliasDeclaration(statement) ||
    ts.isEnumDeclaration(statement) ||
    ts.isModuleDeclaration(statement) ||
    ts.isEmptyStatement(statement)
  );
}

/** Calls that make a module's constants carry the pure annotation, or a bundler must keep them. */
function pureProblems(expression, source, say) {
  const visit = (node) => {
    if (ts.isFunctionLike(node) || ts.isClassExpression(node)) return;
    if (ts.isCallExpression(node) || ts.isNewExpression(node)) {
      const callee = node.expression.getText(source);
      const comments = source.text.slice(node.getFullStart(), node.getStart(source)) + precedingText(node, source);
      // The arguments of an annotated call are the bundler's to judge, as they would be anywhere.
      if (!comments.includes("@__PURE__") && !knownPure.has(callee)) {
        say(node, `top-level call of ${callee} needs /* @__PURE__ */`);
        return;
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(expression);
}

/** The comment before the outermost expression that starts where `node` starts, as in `/* @__PURE__ *\/ f(x).g`. */
function precedingText(node, source) {
  let outer = node;
  while (outer.parent && outer.parent.getStart(source) === outer.getStart(source)) outer = outer.parent;
  return source.text.slice(outer.getFullStart(), outer.getStart(source));
}

/** No waiting, no `process`, no worker before a function of the package is called. */
function loadProblems(statement, say) {
  const visit = (node) => {
    if (ts.isFunctionLike(node) || ts.isTypeNode(node)) return;
    if (ts.isAwaitExpression(node) || (ts.isForOfStatement(node) && node.awaitModifier)) say(node, "top-level await");
    if (ts.isNewExpression(node) && ts.isIdentifier(node.expression) && /Worker$/.test(node.expression.text)) {
      say(node, "worker started at module load");
    }
    if (ts.isIdentifier(node) && node.text === "process" && !ts.isTypeOfExpression(node.parent) && !isName(node)) {
      say(node, "process read at module load");
    }
    ts.forEachChild(node, visit);
  };
  visit(statement);
}

/** Whether an identifier names a member or a declaration rather than the global. */
function isName(node) {
  const { parent } = node;
  return parent.name === node || parent.propertyName === node;
}

/** An entry point tells what there is; how it works stands in files of its own. */
function reExportProblems(source, say) {
  for (const statement of source.statements) {
    if (ts.isImportDeclaration(statement) || ts.isExportDeclaration(statement)) continue;
    say(statement, "index.ts of an entry point only re-exports");
  }
}

/** `namespace[variable]` keeps everything that the namespace holds in a bundle. */
function namespaceProblems(source, say) {
  const namespaces = new Set();
  for (const statement of source.statements) {
    if (!ts.isImportDeclaration(statement)) continue;
    const bindings = statement.importClause?.namedBindings;
    if (bindings && ts.isNamespaceImport(bindings)) namespaces.add(bindings.name.text);
  }
  const visit = (node) => {
    if (
      ts.isElementAccessExpression(node) &&
      ts.isIdentifier(node.expression) &&
      namespaces.has(node.expression.text) &&
      !ts.isStringLiteralLike(node.argumentExpression)
    ) {
      say(node, `namespace ${node.expression.text} is indexed by a variable`);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
}

function hasModifier(node, kind) {
  return ts.canHaveModifiers(node) && (ts.getModifiers(node)?.some((modifier) => modifier.kind === kind) ?? false);
}
