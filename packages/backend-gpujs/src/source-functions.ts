/** Functions that kernels may call, as source text, with all that they call in turn. */

import { GpujsError } from "./errors.js";

/** A function of floats in the language of gpu.js. */
export interface SourceFunction {
  readonly name: string;
  readonly parameters: readonly string[];
  readonly source: string;
}

/** The same as gpu.js takes it. */
export interface NativeFunction {
  readonly name: string;
  readonly source: string;
  readonly argumentTypes: readonly string[];
  readonly returnType: "Float";
}

/** Name, parameters and body of a function. */
export type Definition = readonly [name: string, parameters: readonly string[], body: string];

/** The functions of some tables, by name. */
export function tableOf(...tables: readonly (readonly Definition[])[]): Map<string, SourceFunction> {
  return new Map(
    tables.flat().map(([name, parameters, body]) => {
      const source = `function ${name}(${parameters.join(", ")}) {\n${body.trim()}\n}`;
      return [name, { name, parameters, source }];
    }),
  );
}

/** A table with the functions that `primitive` brings. A name that means something else already is refused. */
export function withNew(
  table: ReadonlyMap<string, SourceFunction>,
  brought: ReadonlyMap<string, SourceFunction>,
  primitive: string,
): ReadonlyMap<string, SourceFunction> {
  for (const [name, { source }] of brought) {
    if ((table.get(name)?.source ?? source) !== source) {
      throw new GpujsError(
        `${primitive}: gpujs: it brings a function ${name}, and there is another of this name; choose one of its own.`,
        "compile",
      );
    }
  }
  return new Map([...table, ...brought]);
}

/** The named functions and those that they call, in a kernel of this name; whoever is called comes first. */
export function withCallees(
  names: Iterable<string>,
  table: ReadonlyMap<string, SourceFunction>,
  kernel: string,
): SourceFunction[] {
  const found: SourceFunction[] = [];
  const seen = new Set<string>();
  const visit = (name: string): void => {
    if (seen.has(name)) return;
    seen.add(name);
    const f = table.get(name);
    if (f === undefined) throw new GpujsError(`${kernel}: gpujs: it calls ${name}, which nobody brought.`, "compile");
    for (const [callee] of f.source.matchAll(/\bc_\w+(?=\()/g)) if (callee !== name) visit(callee);
    found.push(f);
  };
  for (const name of names) visit(name);
  return found;
}

export function asNative({ name, parameters, source }: SourceFunction): NativeFunction {
  return { name, source, argumentTypes: parameters.map(() => "Float"), returnType: "Float" };
}
