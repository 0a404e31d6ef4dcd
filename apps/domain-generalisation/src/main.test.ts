import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import type { Results } from "./experiment.js";
import { checks } from "./findings.js";
import { exitCodes, main } from "./main.js";
import { fullSettings } from "./settings.js";

const directory = mkdtempSync(join(tmpdir(), "domain-generalisation-"));
afterAll(() => rmSync(directory, { recursive: true }));

async function run(args: readonly string[], signal?: AbortSignal) {
  let stdout = "";
  let stderr = "";
  const code = await main(args, {
    stdout: { write: (text) => (stdout += text) },
    stderr: { write: (text) => (stderr += text) },
    directory,
    ...(signal === undefined ? {} : { signal }),
  });
  return { code, stdout, stderr };
}

describe("options", () => {
  test("--help says what there is", async () => {
    const { code, stdout } = await run(["--help"]);
    expect(code).toBe(exitCodes.success);
    for (const option of ["--only", "--seed", "--out", "--quick", "--help"]) expect(stdout).toContain(option);
  });

  test.each([
    [["--sed", "1"], "Unknown option '--sed'"],
    [["digits"], "Unexpected argument 'digits'"],
    [["--seed", "one"], '--seed is "one"; wants a safe integer'],
    [["--seed", ""], '--seed is ""; wants a safe integer'],
    [["--only", "colored,mnist"], '--only has "mnist"; wants some of synthetic, colored'],
    [["--out", ""], "--out is empty"],
    [["--out", "."], "--out . is a folder"],
    [["--out", "nowhere/page.html"], "nowhere does not exist"],
  ])("%j is refused before any work", async (args, message) => {
    const { code, stdout, stderr } = await run(args);
    expect(code).toBe(exitCodes.usage);
    expect(stderr).toContain(message);
    expect(stdout).toBe("");
  });
});

describe("a quick run", () => {
  const numbersOf = (name: string): string =>
    /<script type="application\/json" id="results">(.*)<\/script>/.exec(
      readFileSync(join(directory, name), "utf8"),
    )![1];

  test(
    "writes one page that needs nothing else, with the same numbers for the same seed",
    { timeout: 240_000 },
    async () => {
      const first = await run(["--quick", "--seed", "7", "--out", "first.html"]);
      expect(first.stderr).toBe("");
      expect(first.code).toBe(exitCodes.success);
      for (const words of [
        "Synthetic shortcut",
        "Coloured digits",
        "Label shift",
        "Rotated digits",
        "gradient only (IGA)",
        "Hessian-gradient product",
      ]) {
        expect(first.stdout).toContain(words);
      }
      const page = readFileSync(join(directory, "first.html"), "utf8");
      expect(page.match(/<svg[^>]*viewBox/g)!.length).toBeGreaterThanOrEqual(8);
      expect(page).not.toMatch(/(?:src|href)="(?!data:)|@import|url\(\s*["']?http/);
      expect(page).not.toMatch(/NaN|undefined|Infinity/);

      const results = JSON.parse(numbersOf("first.html")) as Results;
      expect(results.experiments.map(({ rows }) => rows.length)).toEqual([10, 11, 5, 9]);
      for (const { rows } of results.experiments) for (const { runs } of rows) expect(runs[0].failed).toBe(false);

      const again = await run(["--quick", "--seed", "7", "--only", "synthetic", "--out", "second.html"]);
      expect(again.code).toBe(exitCodes.success);
      const second = JSON.parse(numbersOf("second.html")) as Results;
      expect(second.experiments[0]).toEqual(results.experiments[0]);
      expect(second.analyses).toEqual(results.analyses);
    },
  );

  test("an interrupt ends it without a page", { timeout: 60_000 }, async () => {
    const { code, stderr } = await run(["--quick", "--out", "never.html"], AbortSignal.abort());
    expect(code).toBe(exitCodes.interrupted);
    expect(stderr).toContain("Stopped; no page was written.");
    expect(existsSync(join(directory, "never.html"))).toBe(false);
  });
});

test("a claim that is missed is told", () => {
  const row = (method: string, train: number, accuracy: number) => ({
    method,
    ours: false,
    runs: [{ seed: 0, failed: false, points: [{ step: 1, train, test: accuracy }] }],
  });
  const results = (hgp: number): Results => ({
    settings: { ...fullSettings, seed: 0, parts: ["colored"] },
    analyses: [],
    experiments: [
      {
        part: "colored",
        rows: [row("ERM", 0.8, 0.3), row("HGP", 0.7, hgp), row("Hutchinson, exact diagonal", 0.7, 0.6)],
      },
    ],
  });
  expect(checks(results(0.51)).map(({ holds }) => holds)).toEqual([true, true, true]);
  expect(checks(results(0.49)).map(({ holds }) => holds)).toEqual([true, false, true]);
});
