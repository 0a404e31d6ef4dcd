/**
 * Functions written out where they are called. gpu.js computes four elements of a kernel at once on WebAssembly, but leaves vectors for every
 * call of a function, one call an element: an exponential costs a tenth without the call.
 *
 * The functions are ours, in a subset of JavaScript: declarations, assignments, `if`, counted loops, `return`.
 */

import type { Code, Expression } from "./code.js";
import type { SourceFunction } from "./source-functions.js";

type Statement =
  | { readonly kind: "simple"; readonly text: string }
  | { readonly kind: "return"; readonly value: string }
  | { readonly kind: "for"; readonly head: string; readonly body: readonly Statement[] }
  | {
      readonly kind: "if";
      readonly condition: string;
      readonly yes: readonly Statement[];
      readonly no: readonly Statement[];
    };

/** Statements of one function with all that it calls: longer ones are called. */
const mostStatements = 400;

/** The body of a function, each `return` in a place where nothing follows it, and what it takes to write it out. */
interface Inlinable {
  readonly parameters: readonly string[];
  readonly body: readonly Statement[];
  readonly locals: readonly string[];
  /** Parameters that it assigns to. */
  readonly assigned: ReadonlySet<string>;
}

const parsed = new WeakMap<SourceFunction, Inlinable | null>();
const sizes = new WeakMap<SourceFunction, number>();

/** Writes the call of a function of the table out and gives the name of its value; null if it is to be called. */
export function inlineCall(
  code: Code,
  table: ReadonlyMap<string, SourceFunction>,
  name: string,
  args: readonly Expression[],
): Expression | null {
  const f = table.get(name);
  if (f === undefined || sizeOf(f, table) > mostStatements) return null;
  return expand(code, table, f, args);
}

function expand(
  code: Code,
  table: ReadonlyMap<string, SourceFunction>,
  f: SourceFunction,
  args: readonly Expression[],
): Expression {
  const { parameters, body, locals, assigned } = inlinable(f)!;
  const names = new Map<string, string>();
  parameters.forEach((p, i) => names.set(p, assigned.has(p) ? code.variable(args[i]) : code.let(args[i])));
  for (const local of locals) names.set(local, code.fresh());
  const rename = (text: string): string => text.replace(/(?<![.\w])[a-z]\w*/g, (word) => names.get(word) ?? word);
  /** The text with values in the place of calls, which are computed before. */
  const withoutCalls = (text: string): string => {
    for (let call = /\bc_\w+(?=\()/.exec(text); call !== null; call = /\bc_\w+(?=\()/.exec(text)) {
      const open = call.index + call[0].length;
      const close = closing(text, open);
      const operands = split(text.slice(open + 1, close)).map(withoutCalls);
      const value = expand(code, table, table.get(call[0])!, operands);
      text = text.slice(0, call.index) + value + text.slice(close + 1);
    }
    return text;
  };
  const put = (text: string): string => withoutCalls(rename(text));
  // The one `return` at the end needs no variable to carry it.
  const last = body[body.length - 1];
  const single = last.kind === "return" && !body.slice(0, -1).some(returns);
  const result = single ? "" : code.variable("0.0");
  const write = (statements: readonly Statement[]): void => {
    for (const statement of statements) {
      switch (statement.kind) {
        case "simple":
          code.line(`${put(statement.text)};`);
          break;
        case "return":
          code.assign(result, put(statement.value));
          break;
        case "for":
          code.block(`for (${rename(statement.head)})`, () => write(statement.body));
          break;
        case "if":
          code.block(`if (${put(statement.condition)})`, () => write(statement.yes));
          if (statement.no.length > 0) code.block("else", () => write(statement.no));
          break;
      }
    }
  };
  write(single ? body.slice(0, -1) : body);
  return single ? code.let(put((last as { value: string }).value)) : result;
}

/** Statements with those of the functions that are called; infinite if one cannot be written out. */
function sizeOf(f: SourceFunction, table: ReadonlyMap<string, SourceFunction>): number {
  let size = sizes.get(f);
  if (size !== undefined) return size;
  const own = inlinable(f);
  size = own === null ? Infinity : count(own.body);
  for (const [callee] of f.source.slice(f.source.indexOf("{")).matchAll(/\bc_\w+(?=\()/g)) {
    const g = table.get(callee);
    size += g === undefined || g === f ? Infinity : sizeOf(g, table);
  }
  sizes.set(f, size);
  return size;
}

function count(statements: readonly Statement[]): number {
  return statements.reduce(
    (n, s) => n + 1 + (s.kind === "if" ? count(s.yes) + count(s.no) : s.kind === "for" ? count(s.body) : 0),
    0,
  );
}

function inlinable(f: SourceFunction): Inlinable | null {
  let result = parsed.get(f);
  if (result === undefined) {
    const text = f.source.slice(f.source.indexOf("{") + 1, f.source.lastIndexOf("}"));
    const statements = /\/[/*]|\b(?:while|switch|break|continue|do)\b/.test(text) ? null : parse(text);
    const body = statements === null ? null : returnsLast(statements);
    const locals = [...text.matchAll(/\blet (\w+)/g)].map(([, name]) => name);
    const assigned = new Set(f.parameters.filter((p) => new RegExp(`\\b${p} = `).test(text)));
    result = body === null ? null : { parameters: f.parameters, body, locals, assigned };
    parsed.set(f, result);
  }
  return result;
}

const returns = (s: Statement): boolean =>
  s.kind === "return" ||
  (s.kind === "for" && s.body.some(returns)) ||
  (s.kind === "if" && (s.yes.some(returns) || s.no.some(returns)));

const ends = (statements: readonly Statement[]): boolean => {
  const last = statements.at(-1);
  return last !== undefined && (last.kind === "return" || (last.kind === "if" && ends(last.yes) && ends(last.no)));
};

/** The same statements with what follows a conditional `return` in the other branch; null if that does not do. */
function returnsLast(statements: readonly Statement[]): readonly Statement[] | null {
  for (const [i, s] of statements.entries()) {
    if (!returns(s)) continue;
    const rest = statements.slice(i + 1);
    if (s.kind === "return") return statements.slice(0, i + 1);
    if (s.kind !== "if") return null;
    const yes = returnsLast(ends(s.yes) ? s.yes : [...s.yes, ...rest]);
    const no = returnsLast(ends(s.no) ? s.no : [...s.no, ...rest]);
    if (yes === null || no === null || (!ends(s.yes) && !ends(s.no) && rest.length > 0)) return null;
    return [...statements.slice(0, i), { ...s, yes, no }];
  }
  return statements;
}

/** The statements of a text; null if there are others than those of the subset. */
function parse(text: string): Statement[] | null {
  const statements: Statement[] = [];
  let at = 0;
  const skip = (): void => {
    while (/\s/.test(text[at] ?? "")) at++;
  };
  /** What stands in the brackets that open here. */
  const bracketed = (): string => {
    skip();
    const close = closing(text, at);
    const inside = text.slice(at + 1, close);
    at = close + 1;
    return inside;
  };
  const block = (): Statement[] | null => {
    skip();
    return text[at] === "{" ? parse(bracketed()) : null;
  };
  for (skip(); at < text.length; skip()) {
    const [word] = /^\w*/.exec(text.slice(at))!;
    if (word === "if") {
      at += 2;
      const condition = bracketed();
      const yes = block();
      skip();
      const other = text.startsWith("else", at);
      if (other) at += 4;
      const no = other ? block() : [];
      if (yes === null || no === null) return null;
      statements.push({ kind: "if", condition, yes, no });
    } else if (word === "for") {
      at += 3;
      const head = bracketed();
      const body = block();
      if (body === null) return null;
      statements.push({ kind: "for", head, body });
    } else {
      const end = text.indexOf(";", at);
      if (end < 0) return null;
      const line = text.slice(at, end).replace(/\s+/g, " ").trim();
      at = end + 1;
      if (word === "return") statements.push({ kind: "return", value: line.slice("return".length).trim() });
      else statements.push({ kind: "simple", text: line });
    }
  }
  return statements;
}

/** Where the bracket that opens at a position is closed. */
function closing(text: string, open: number): number {
  let depth = 0;
  for (let i = open; i < text.length; i++) {
    if ("({[".includes(text[i])) depth++;
    else if (")}]".includes(text[i]) && --depth === 0) return i;
  }
  return text.length;
}

/** Arguments between commas. */
function split(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    if ("([".includes(text[i])) depth++;
    else if (")]".includes(text[i])) depth--;
    else if (text[i] === "," && depth === 0) {
      parts.push(text.slice(start, i));
      start = i + 1;
    }
  }
  parts.push(text.slice(start));
  return parts.map((part) => part.trim());
}
