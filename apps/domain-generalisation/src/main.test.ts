import { exitCodes } from "app-frame";
import { expectWhole, numbersOf, trial } from "app-frame/testing";
import { expect, test } from "vitest";
import type { Results } from "./experiment.js";
import { checks, pairedDifference, testOf } from "./findings.js";
import { app } from "./main.js";
import { methodIds } from "./methods.js";
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

test(
  "restart r is a run with the seed + r, for every method that was asked for, and the differences are paired",
  { timeout: 120_000 },
  async () => {
    const options = ["--quick", "--only", "label-shift", "--methods", "erm,hgp"];
    const { code, stdout } = await run([...options, "--restarts", "3", "--seed", "4", "--out", "three.html"]);
    expect(code).toBe(exitCodes.success);
    expect(stdout).toMatch(/Test − ERM's/);
    expect(stdout).toMatch(/HGP .* ± .* [+-]0\.\d{4} ± 0\.\d{4}/);
    const page = read("three.html");
    expect(page).toContain("the standard error over the restarts");
    const { experiments } = JSON.parse(numbersOf(page)) as Results;
    const [{ rows }] = experiments;
    expect(rows.map(({ method }) => method)).toEqual(["ERM", "HGP"]);
    expect(rows.map(({ runs }) => runs.map(({ seed }) => seed))).toEqual([
      [4, 5, 6],
      [4, 5, 6],
    ]);

    await run([...options, "--seed", "6", "--out", "one.html"]);
    const single = JSON.parse(numbersOf(read("one.html"))) as Results;
    expect(single.experiments[0].rows.map(({ runs }) => runs)).toEqual(rows.map(({ runs }) => [runs[2]]));
  },
);

test("means over restarts have standard errors, and paired differences their own", () => {
  const row = (...tests: number[]) => ({
    method: "",
    ours: false,
    runs: tests.map((accuracy, seed) => ({
      seed,
      failed: false,
      points: [
        { step: 1, train: 0, test: 0 },
        { step: 2, train: 1, test: accuracy },
      ],
    })),
  });
  const base = row(0.2, 0.4, 0.6);
  expect(testOf(base).mean).toBeCloseTo(0.4, 14);
  expect(testOf(base).standardError).toBeCloseTo(0.2 / Math.sqrt(3), 14);
  // The restarts differ by far more than the methods.
  const better = pairedDifference(row(0.21, 0.42, 0.63), base);
  expect(better.mean).toBeCloseTo(0.02, 14);
  expect(better.standardError).toBeCloseTo(0.01 / Math.sqrt(3), 14);
  expect(testOf(row(0.5)).standardError).toBeNaN();
});

test("methods that an experiment does not have are refused", () =>
  expectRefusal(["--only", "rotated", "--methods", "hutchinson"], "--methods has none of the methods of rotated"));

test("an interrupt ends it", () => expectInterrupt(["--quick"], "never.html"));

test("a claim that is missed is told", () => {
  const row = (method: string, train: number, accuracy: number) => ({
    method,
    ours: false,
    runs: [{ seed: 0, failed: false, points: [{ step: 1, train, test: accuracy }] }],
  });
  const results = (hgp: number): Results => ({
    settings: { ...fullSettings, seed: 0, parts: ["colored"], methods: methodIds },
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
