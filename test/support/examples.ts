/** The TypeScript blocks of READMEs and guides. */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { packages } from "../../scripts/workspace.mjs";
import { root } from "./paths.js";

/** One ```ts block. */
export interface Example {
  /** "packages/tensor/README.md:21", the line of the first line of code. */
  readonly where: string;
  readonly line: number;
  readonly code: string;
  /** False for ```ts no-run: type-checked only. */
  readonly runs: boolean;
  /** Folder whose dependencies the code may import. */
  readonly directory: string;
}

/** Every block of the packages' READMEs and the guides. */
export function examples(): Example[] {
  const guides = join(root, "docs", "guides");
  return [
    ...packages(root).flatMap(({ directory }) => examplesOf(join(directory, "README.md"), directory)),
    ...(existsSync(guides) ? readdirSync(guides) : [])
      .filter((file) => file.endsWith(".md"))
      .flatMap((file) => examplesOf(join(guides, file), join(root, "docs"))),
  ];
}

/** The blocks of one Markdown file. */
export function examplesOf(file: string, directory: string): Example[] {
  const found: Example[] = [];
  let open: { info: string; start: number } | undefined;
  const lines = existsSync(file) ? readFileSync(file, "utf8").split("\n") : [];
  lines.forEach((text, index) => {
    const fence = /^```(.*)$/.exec(text);
    if (!fence) return;
    if (open === undefined) {
      open = { info: fence[1].trim(), start: index + 1 };
      return;
    }
    if (/^ts( no-run)?$/.test(open.info)) {
      found.push({
        where: `${relative(root, file)}:${open.start + 1}`,
        line: open.start + 1,
        code: lines.slice(open.start, index).join("\n"),
        runs: open.info === "ts",
        directory,
      });
    }
    open = undefined;
  });
  return found;
}

/** A file name for an example, which tells where it came from. */
export function fileName(example: Example): string {
  return `${basename(example.where).replace(/\W+/g, "-")}.ts`;
}

/**
 * What an example says it prints: the comments that follow `console.log(…)` on the same line and begin with an arrow,
 * `console.log(x); // → 3`. Empty where it says nothing.
 */
export function statedOutput(code: string): string[] {
  return [...code.matchAll(/console\.log\(.*\);? \/\/ → (.*)$/gm)].map(([, output]) => output.trimEnd());
}
