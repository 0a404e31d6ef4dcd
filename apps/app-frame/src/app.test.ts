import { EventEmitter } from "node:events";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { defineApp, exitCodes, start, type Context, type Host } from "./app.js";
import {
  flag,
  inputFile,
  integer,
  number,
  oneOf,
  outputFile,
  outputFolder,
  section,
  seed,
  someOf,
  text,
  UsageError,
} from "./options.js";
import { trial } from "./testing.js";

/** What the run of the next test does. */
let work: (context: Context, out: string) => Promise<boolean> = async () => true;
let given: unknown;

const app = defineApp({
  name: "example",
  description: "Does nothing much.",
  options: {
    seed,
    out: outputFile("file", "where to write (default example.html)", "example.html"),
    quick: flag("little"),
    "a-long-name": text("several words", "on a line\nof its own"),
    ...section("More", {
      only: someOf("parts", "some of a, b, c", ["a", "b", "c"]),
      kind: oneOf("kind", "a or b", ["a", "b"]),
      count: integer("count", "a count", { least: 1, most: 10 }),
      rate: number("rate", "a rate", { least: 0.5, most: 2 }),
      from: inputFile("file", "a picture", "a PNG"),
      save: outputFolder("folder", "a folder"),
    }),
  },
  run: async (options, context) => {
    given = options;
    return work(context, options.out);
  },
});
const { path, read, run, expectRefusal, expectInterrupt } = trial(app);
writeFileSync(path("there.png"), "");
mkdirSync(path("folder"));

test("--help is made of the declaration", async () => {
  expect(await run(["--seed", "3", "-h"])).toEqual({
    code: exitCodes.success,
    stderr: "",
    stdout: `Does nothing much.

Usage: pnpm --filter example start [options]

  --seed <integer>   of everything random; the same seed gives the same numbers (default 0)
  --out <file>       where to write (default example.html)
  --quick            little
  --a-long-name <several words>
                     on a line
                     of its own
  --help             this text

More
  --only <parts>     some of a, b, c
  --kind <kind>      a or b
  --count <count>    a count
  --rate <rate>      a rate
  --from <file>      a picture
  --save <folder>    a folder

Exit code: 0 when all went well, 1 when something failed or a full run misses a claim that it checks, 2 for wrong
options, 130 when interrupted.
`,
  });
});

test("defaults, with the -- of pnpm in front", async () => {
  expect(await run(["--"])).toEqual({ code: exitCodes.success, stdout: "", stderr: "" });
  expect(given).toEqual({ seed: 0, out: path("example.html"), quick: false, only: ["a", "b", "c"] });
});

test("values of all kinds", async () => {
  const words = ["--seed=-7", "--only", "c,a", "--kind", "b", "--count", "10", "--rate", "5e-1", "--a-long-name", " x"];
  await run([...words, "--quick", "--from", "there.png", "--out", path("folder", "a"), "--save", "new"]);
  expect(given).toEqual({
    ...{ seed: -7, only: ["a", "c"], kind: "b", count: 10, rate: 0.5, "a-long-name": " x", quick: true },
    ...{ from: path("there.png"), out: path("folder", "a"), save: path("new") },
  });
});

type Refusal = readonly [args: readonly string[], message: string];

const refusals: readonly Refusal[] = [
  [["--sed", "1"], "Unknown option '--sed'. See"],
  [["picture.png"], "Unexpected argument 'picture.png'. See"],
  [["--seed"], "argument missing. See"],
  [["--seed", "-1"], "argument is ambiguous. See"],
  [["--quick=yes"], "does not take an argument. See"],
  ...["one", "1.5", "", " ", "1e99", "NaN"].map((word): Refusal => [["--seed", word], `--seed is "${word}"; wants a safe integer`]), // prettier-ignore
  ...["0", "11", "2.5", ""].map((word): Refusal => [["--count", word], `--count is "${word}"; wants an integer from 1 to 10`]), // prettier-ignore
  ...["0.4", "NaN", ""].map((word): Refusal => [["--rate", word], `--rate is "${word}"; wants a number from 0.5 to 2`]),
  [["--only", "a,d"], '--only has "d"; wants some of a, b, c'],
  [["--only", ""], '--only has ""; wants some of a, b, c'],
  [["--kind", "a,b"], '--kind has "a,b"; wants one of a, b'],
  [["--from", "none.png"], "--from none.png: there is no such file"],
  [["--from", ""], "--from : there is no such file"],
  [["--from", "folder"], "--from folder is a folder; wants a PNG"],
  [["--out", ""], "--out is empty; wants the name of a file"],
  [["--out", "."], "--out . is a folder; wants a file"],
  [["--out", "nowhere/page.html"], "nowhere does not exist"],
  [["--out", "there.png/page.html"], "there.png does not exist"],
  [["--save", "there.png"], "--save there.png is a file; wants a folder"],
];

test.each(refusals)("%j is refused before any work", async (args, message) => {
  work = () => Promise.reject(new Error("worked"));
  await expectRefusal(args, message);
});

test("options that do not go together are refused by the app", async () => {
  work = () => Promise.reject(new UsageError("--a is of --b"));
  await expectRefusal([], "example: --a is of --b. See --help.");
});

test("what is printed and written; the exit code is 1 when a promise does not hold", async () => {
  work = async ({ print, write, onProgress, width }, out) => {
    onProgress({ label: "Stage", fraction: 1, text: "done" });
    await write(out, "<p>");
    print(`Page, ${width}`);
    return false;
  };
  const { code, stdout, stderr } = await run(["--out", "page.html"]);
  expect([code, stderr]).toEqual([exitCodes.failure, ""]);
  expect(stdout).toMatch(/^Stage 100 % {4}0\.\d s {2}done\nPage, 160\n$/);
  expect(read("page.html")).toBe("<p>");
});

test("a failure is told by its message", async () => {
  work = () => Promise.reject(new Error("no digits"));
  expect(await run([])).toEqual({ code: exitCodes.failure, stdout: "", stderr: "\nexample: no digits\n" });
});

test("an interrupt tells what had been written", async () => {
  work = async ({ signal }) => (signal?.throwIfAborted(), true);
  await expectInterrupt([], "never.html");
  work = async ({ signal, write }) => {
    await write(path("deep", "first.html"), "");
    await write(path("deep", "a.png"), new Uint8Array(1));
    signal?.throwIfAborted();
    return true;
  };
  const { code, stderr } = await run([], AbortSignal.abort());
  expect(code).toBe(exitCodes.interrupted);
  expect(stderr).toBe(`\nStopped; ${join("deep", "first.html")}, ${join("deep", "a.png")} had been written.\n`);
  expect(existsSync(path("deep", "a.png"))).toBe(true);
});

test.each(["SIGINT", "SIGTERM"] as const)("%s aborts the signal of a program", async (event) => {
  let stderr = "";
  const host = Object.assign(new EventEmitter(), {
    argv: ["node", "cli.js", "--out", "page.html"],
    env: { INIT_CWD: path("folder") },
    cwd: () => path("elsewhere"),
    stdout: { write: () => true },
    stderr: { write: (words: string) => (stderr += words) },
    exitCode: undefined as number | undefined,
  });
  work = async ({ signal }, out) => {
    expect(out).toBe(path("folder", "page.html"));
    expect(signal!.aborted).toBe(false);
    host.emit(event);
    signal!.throwIfAborted();
    return true;
  };
  await start(app, host as unknown as Host);
  expect(stderr).toBe("\nStopped; nothing was written.\n");
  expect(host.exitCode).toBe(exitCodes.interrupted);
  // The next one is the system's: it ends the process.
  expect(host.listenerCount(event)).toBe(0);
});
