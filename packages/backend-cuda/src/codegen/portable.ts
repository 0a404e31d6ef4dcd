/**
 * Functions of other packages, from the language that they share with gpu.js to CUDA C: the one knows floats only, so that a text in it is
 * CUDA C but for the names of types and functions.
 */

import { cTypes } from "./types.js";

export type FloatType = "float32" | "float64";

/** Name, parameters and body of a function in the language of gpu.js. */
export type Definition = readonly [name: string, parameters: readonly string[], body: string];

/** Texts in CUDA C by the functions' names, with those that each calls, as often as it does. */
export type SourceTable = ReadonlyMap<string, { readonly text: string; readonly calls: readonly string[] }>;

/** A function that a scalar program calls. */
export interface DeviceFunction {
  readonly name: string;
  readonly dtype: FloatType;
  readonly table: SourceTable;
}

/** What CUDA calls the functions that are there; those of the prelude know both types. */
const sameName = [
  "exp", "exp2", "expm1", "log", "log1p", "log2", "log10", "pow", "cbrt", "sin", "cos", "tan", "asin", "acos", "atan", "atan2", "sinh",
  "cosh", "tanh", "asinh", "acosh", "atanh", "erf", "erfc", "lgamma", "fma",
]; // prettier-ignore
const native: ReadonlyMap<string, string> = /* @__PURE__ */ new Map([
  .../* @__PURE__ */ sameName.map((name) => [`c_${name}`, name] as const),
  ["Math.floor", "floor"],
  ["Math.abs", "fabs"],
  ["Math.sqrt", "sqrt"],
]);
const ofPrelude: ReadonlyMap<string, string> = /* @__PURE__ */ new Map([
  ["c_powerBySquaring", "curv_squaring"],
  ["c_sigmoid", "curv_sigmoid"],
  ["c_softplus", "curv_softplus"],
]);

/** The functions for elements of a dtype. */
export function tableOf(definitions: readonly Definition[], dtype: FloatType): SourceTable {
  const type = cTypes[dtype];
  const names = new Set(definitions.map(([name]) => name));
  return new Map(
    definitions.map(([name, parameters, body]) => {
      const calls: string[] = [];
      const text = body
        .trim()
        .replace(/\b(?:c_|Math\.)\w+(?=\()/g, (callee) => {
          if (names.has(callee)) {
            calls.push(callee);
            return callee;
          }
          const known = native.get(callee);
          if (known !== undefined) return dtype === "float32" ? `${known}f` : known;
          const own = ofPrelude.get(callee);
          if (own === undefined) throw new Error(`${name}: backend-cuda has no function ${callee}.`);
          return own;
        })
        .replace(/\bfor \(let /g, "for (int ")
        .replace(/\blet /g, `${type} `)
        .replace(/([=!])==/g, "$1=")
        .replace(/(?<![\w.])(?:\d+\.\d*(?:e[+-]?\d+)?|\d+e[+-]?\d+)/g, (number) =>
          dtype === "float32" ? `${number}f` : number,
        );
      const signature = `static __device__ ${type} ${name}(${parameters.map((p) => `${type} ${p}`).join(", ")})`;
      return [name, { text: `${signature} {\n  ${text}\n}\n`, calls }];
    }),
  );
}

/** Characters of a text that is not worth a copy for each place that calls it: compilers take seconds, and code grows to a megabyte. */
const long = 600;

/**
 * Texts of the functions that a program calls, each after what it calls. The ones that it calls itself are not put into their places, for a
 * thread that computes several elements would have a copy for each; nor are long ones that are called at several places.
 */
export function printFunctions(called: readonly DeviceFunction[]): string {
  const texts = new Set<string>();
  const places = new Map<string, number>();
  const visit = ({ name, dtype, table }: DeviceFunction): void => {
    const { text, calls } = table.get(name)!;
    if (texts.has(text)) return;
    for (const callee of calls) if (callee !== name) visit({ name: callee, dtype, table });
    texts.add(text);
    for (const callee of calls) {
      const of = table.get(callee)!.text;
      places.set(of, (places.get(of) ?? 0) + 1);
    }
  };
  called.forEach(visit);
  const entries = new Set(called.map(({ name, table }) => table.get(name)!.text));
  const apart = (text: string): boolean => entries.has(text) || (text.length > long && places.get(text)! > 1);
  return [...texts].map((text) => (apart(text) ? `__attribute__((noinline)) ${text}` : text)).join("");
}
