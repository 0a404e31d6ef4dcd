import { exitCodes } from "app-frame";
import { expectWhole, numbersOf, trial } from "app-frame/testing";
import { expect, test } from "vitest";
import { app } from "./main.js";

const { path, read, run, expectRefusal, expectInterrupt } = trial(app);

test.each([
  [["--components", "0"], '--components is "0"; wants an integer from 1 to 100'],
  [["--starts", "1.5"], '--starts is "1.5"; wants an integer from 1 to 100'],
])("%j is refused before any work", expectRefusal);

test("a quick run writes a page that needs nothing else", async () => {
  const { code, stdout, stderr } = await run(["--quick", "--seed", "7", "--components", "4", "--out", "page.html"]);
  expect([code, stderr]).toEqual([exitCodes.success, ""]);
  expect(stdout).toContain("known mixture in 2048 dimensions");
  expect(stdout).toContain(`Page: ${path("page.html")}`);
  const page = read("page.html");
  expectWhole(page);
  expect(page.match(/<img src="data:image\/png/g)).toHaveLength(4);
  expect(page.match(/<svg/g)!.length).toBeGreaterThanOrEqual(1);
  const { known, digits, comparison } = JSON.parse(numbersOf(page));
  expect([known.length, digits.length, comparison.rows.length]).toEqual([2, 3, 20]);
  // The table of where others fail: SciPy's −∞ and mpmath's errors.
  expect(page.match(/−∞ ✗/g)!.length).toBe(comparison.rows.filter((row: { scipy: { ive: number } }) => row.scipy.ive === 0).length); // prettier-ignore
  expect(page).toContain("no convergence ✗");
});

test("an interrupt ends it", () => expectInterrupt(["--quick"], "never.html"));
