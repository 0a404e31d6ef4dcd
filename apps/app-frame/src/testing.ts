/** What the tests of the apps share: a command in an empty folder. */

import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect } from "vitest";
import { exitCodes, type App } from "./app.js";

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Trial {
  /** A path in the folder, which is removed after the tests of the file. */
  readonly path: (...names: string[]) => string;
  readonly read: (...names: string[]) => string;
  readonly run: (args: readonly string[], signal?: AbortSignal) => Promise<Ended>;
  /** Runs it, and expects that it refuses its options with this message before any work. */
  readonly expectRefusal: (args: readonly string[], message: string) => Promise<void>;
  /** Runs it with a signal that is aborted already, and expects that it ends, and writes no file of this name. */
  readonly expectInterrupt: (args: readonly string[], out: string) => Promise<void>;
}

export function trial({ name, main }: App): Trial {
  const directory = mkdtempSync(join(tmpdir(), `${name}-`));
  afterAll(() => rmSync(directory, { recursive: true }));
  const path: Trial["path"] = (...names) => join(directory, ...names);
  const run: Trial["run"] = async (args, signal) => {
    let stdout = "";
    let stderr = "";
    const code = await main(args, {
      stdout: { write: (text) => (stdout += text) },
      stderr: { write: (text) => (stderr += text) },
      directory,
      ...(signal === undefined ? {} : { signal }),
    });
    return { code, stdout, stderr };
  };
  return {
    path,
    read: (...names) => readFileSync(path(...names), "utf8"),
    run,
    expectRefusal: async (args, message) => {
      const { code, stdout, stderr } = await run(args);
      expect(stderr).toContain(message);
      expect(stderr).toMatch(new RegExp(`^${name}: .*See --help\\.\\n$`, "s"));
      expect([code, stdout]).toEqual([exitCodes.usage, ""]);
    },
    expectInterrupt: async (args, out) => {
      const { code, stderr } = await run([...args, "--out", out], AbortSignal.abort());
      expect(stderr).toBe("\nStopped; nothing was written.\n");
      expect(code).toBe(exitCodes.interrupted);
      expect(existsSync(path(out))).toBe(false);
    },
  };
}

/** Expects that a page loads nothing, and shows no number that is none. */
export function expectWhole(page: string): void {
  const html = page.replaceAll(/data:image\/png;base64,[^"]*/g, "data:");
  for (const wrong of [/src="(?!data:)|@import|url\(\s*["']?http|href="https?:/, /NaN|undefined|Infinity/]) {
    expect(wrong.exec(html)).toBeNull();
  }
}

/** The numbers of a page, as JSON text. */
export function numbersOf(page: string): string {
  return /<script type="application\/json" id="results">(.*)<\/script>/.exec(page)![1];
}
