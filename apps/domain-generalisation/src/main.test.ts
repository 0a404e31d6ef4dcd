import { exitCodes } from "app-frame";
import { expectWhole, numbersOf, trial } from "app-frame/testing";
import { expect, test } from "vitest";
import type { Results } from "./experiment.js";
import { checks } from "./findings.js";
import { app } from "./main.js";
import { fullSettings } from "./settings.js";

const { read, run, expectRefusal, expectInterrupt } = trial(app);

test("parts that there are not are refused", () =>
  expectRefusal(["--only", "colored,mnist"], '--only has "mnist"; wants some of synthetic, colored'));

test(
  "a quick run writes one page that needs nothing else, with the same numbers for the same seed",
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
    const page = read("first.html");
    expect(page.match(/<svg[^>]*viewBox/g)!.length).toBeGreaterThanOrEqual(8);
    expectWhole(page);

    const results = JSON.parse(numbersOf(page)) as Results;
    expect(results.experiments.map(({ rows }) => rows.length)).toEqual([10, 11, 5, 9]);
    for (const { rows } of results.experiments) for (const { runs } of rows) expect(runs[0].failed).toBe(false);

    const again = await run(["--quick", "--seed", "7", "--only", "synthetic", "--out", "second.html"]);
    expect(again.code).toBe(exitCodes.success);
    const second = JSON.parse(numbersOf(read("second.html"))) as Results;
    expect(second.experiments[0]).toEqual(results.experiments[0]);
    expect(second.analyses).toEqual(results.analyses);
  },
);

test("an interrupt ends it", () => expectInterrupt(["--quick"], "never.html"));

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
