/** The command: reads its options, makes the parts and writes them into a folder. */

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as random from "@curv/tensor/random";
import type { Chapter } from "./chapter.js";
import { colourChapter } from "./colour-page.js";
import { studyColours } from "./colour-study.js";
import { convergenceChapter } from "./convergence-page.js";
import { studyConvergence } from "./convergence-study.js";
import { indexPage } from "./index-page.js";
import { help, readOptions, UsageError, type Command } from "./options.js";
import { morphChapter } from "./morph-page.js";
import { studyMorphs } from "./morph-study.js";
import type { Watch } from "./progress.js";
import { parts, type Part, type Settings } from "./settings.js";
import { checkList, progressPrinter, type Output } from "./terminal.js";

export interface Surroundings {
  readonly stdout: Output;
  readonly stderr: Output;
  /** Where the command was given; relative paths start there. */
  readonly directory: string;
  readonly signal?: AbortSignal;
}

export const exitCodes = { success: 0, failure: 1, usage: 2, interrupted: 130 } as const;

const makers: Readonly<Record<Part, (settings: Settings, key: random.Key, watch: Watch) => Promise<Chapter>>> = {
  colour: async (settings, key, watch) => colourChapter(await studyColours(settings.colour, key, watch), settings),
  morph: async (settings, key, watch) => morphChapter(await studyMorphs(settings.morph, key, watch), settings),
  convergence: async (settings, key, watch) =>
    convergenceChapter(await studyConvergence(settings.convergence, key, watch), settings),
};

/** Runs the command and returns its exit code. */
export async function main(
  args: readonly string[],
  { stdout, stderr, directory, signal }: Surroundings,
): Promise<number> {
  let command: Command;
  try {
    command = readOptions(args, directory);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    stderr.write(`transport: ${error.message}. See --help.\n`);
    return exitCodes.usage;
  }
  if (command.kind === "help") {
    stdout.write(help);
    return exitCodes.success;
  }
  const { settings, out } = command;
  const chapters: Chapter[] = [];
  try {
    for (const part of settings.parts) {
      // The same numbers whichever other parts there are.
      const key = random.foldIn(random.key(settings.seed), parts.indexOf(part));
      const chapter = await makers[part](settings, key, { signal, onProgress: progressPrinter(stdout) });
      chapters.push(chapter);
      await write(out, chapter.files);
    }
    await write(out, new Map([["index.html", indexPage(chapters, settings)]]));
    for (const { title, table, checks } of chapters) {
      stdout.write(`\n${title}\n${table}\n`);
      if (checks.length > 0) stdout.write(`${checkList(checks)}\n`);
    }
    stdout.write(`\nPages: ${join(out, "index.html")}\n`);
    const claims = chapters.flatMap(({ checks }) => checks);
    return claims.every(({ holds }) => holds) ? exitCodes.success : exitCodes.failure;
  } catch (error) {
    const left = chapters.length === 0 ? "nothing was written" : `${out} has ${chapters.map((c) => `${c.part}.html`).join(", ")}`; // prettier-ignore
    if (signal?.aborted) {
      stderr.write(`\nStopped; ${left}.\n`);
      return exitCodes.interrupted;
    }
    stderr.write(`\ntransport: ${error instanceof Error ? error.message : String(error)}\n`);
    return exitCodes.failure;
  }
}

async function write(folder: string, files: Chapter["files"]): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [name, content] of files) await writeFile(join(folder, name), content);
}
