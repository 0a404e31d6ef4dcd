/** An app: declared once, run as a command. */

import { mkdir, writeFile } from "node:fs/promises";
import { dirname, relative } from "node:path";
import { helpText, type Described } from "./help.js";
import { readOptions, UsageError, type Options, type ValuesOf } from "./options.js";
import { progressPrinter, type Output, type Step } from "./terminal.js";

export const exitCodes = { success: 0, failure: 1, usage: 2, interrupted: 130 } as const;

/** What an app works with. */
export interface Context {
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal | undefined;
  /** Shows how far the work is. */
  readonly onProgress: (step: Step) => void;
  /** Prints lines on standard output. */
  readonly print: (text: string) => void;
  /** Columns of the terminal; 160 where there is none. */
  readonly width: number;
  /** Writes a file, and makes its folder. */
  readonly write: (path: string, content: string | Uint8Array) => Promise<void>;
}

export interface Declaration<O extends Options> extends Described {
  readonly options: O;
  /**
   * The work. Resolves to whether all that it promises holds; with false, the exit code is 1.
   *
   * @throws UsageError for options that do not go together, before any work.
   */
  readonly run: (options: ValuesOf<O>, context: Context) => Promise<boolean>;
}

/** Where a command runs. */
export interface Surroundings {
  readonly stdout: Output;
  readonly stderr: Output;
  /** Where the command was given; relative paths start there. */
  readonly directory: string;
  readonly signal?: AbortSignal;
}

export interface App {
  readonly name: string;
  /** Runs the command and resolves to its exit code. */
  readonly main: (args: readonly string[], surroundings: Surroundings) => Promise<number>;
}

/** An app from its declaration. Errors are told on standard error, those of options with exit code 2, before any work. */
export function defineApp<const O extends Options>(declaration: Declaration<O>): App {
  const { name, options, run } = declaration;
  const main: App["main"] = async (args, { stdout, stderr, directory, signal }) => {
    const written: string[] = [];
    try {
      const values = readOptions(options, args, directory);
      if (values === null) {
        stdout.write(helpText(declaration));
        return exitCodes.success;
      }
      const holds = await run(values, {
        signal,
        onProgress: progressPrinter(stdout),
        print: (text) => stdout.write(`${text}\n`),
        width: stdout.columns || 160,
        write: async (path, content) => {
          await mkdir(dirname(path), { recursive: true });
          await writeFile(path, content);
          written.push(relative(directory, path));
        },
      });
      return holds ? exitCodes.success : exitCodes.failure;
    } catch (error) {
      if (error instanceof UsageError) {
        stderr.write(`${name}: ${error.message}. See --help.\n`);
        return exitCodes.usage;
      }
      if (signal?.aborted) {
        stderr.write(
          `\nStopped; ${written.length === 0 ? "nothing was" : `${written.join(", ")} had been`} written.\n`,
        );
        return exitCodes.interrupted;
      }
      stderr.write(`\n${name}: ${error instanceof Error ? error.message : String(error)}\n`);
      return exitCodes.failure;
    }
  };
  return { name, main };
}

/** The part of a process that a command needs. */
export type Host = Pick<NodeJS.Process, "argv" | "stdout" | "stderr" | "env" | "cwd" | "exitCode"> & {
  once(event: "SIGINT" | "SIGTERM", listener: () => void): unknown;
};

/** Runs an app as the program of this process. Ctrl-C ends it cleanly; a second one, at once. */
export async function start(app: App, host: Host = process): Promise<void> {
  const controller = new AbortController();
  for (const event of ["SIGINT", "SIGTERM"] as const) host.once(event, () => controller.abort());
  host.exitCode = await app.main(host.argv.slice(2), {
    stdout: host.stdout,
    stderr: host.stderr,
    // npm and pnpm change the directory before they run a script, and say here where the user is.
    directory: host.env["INIT_CWD"] ?? host.cwd(),
    signal: controller.signal,
  });
}
