import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { exitCodes, main } from "./main.js";

const directory = mkdtempSync(join(tmpdir(), "directions-"));
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
    for (const option of ["components", "starts", "seed", "out", "quick", "help"])
      expect(stdout).toContain(`--${option} `);
  });

  test.each([
    [["--sed", "1"], "Unknown option '--sed'"],
    [["digits"], "Unexpected argument 'digits'"],
    [["--seed", "one"], '--seed is "one"; wants a safe integer'],
    [["--components", "0"], '--components is "0"; wants an integer from 1 to 100'],
    [["--starts", "1.5"], '--starts is "1.5"; wants an integer from 1 to 100'],
    [["--out", ""], "--out is empty"],
    [["--out", "."], "--out . is a folder; wants a file"],
    [["--out", "nowhere/page.html"], "nowhere does not exist"],
  ])("%j is refused before any work", async (args, message) => {
    const { code, stdout, stderr } = await run(args);
    expect(stderr).toContain(message);
    expect(stderr).toMatch(/^directions: .*See --help\.\n$/s);
    expect([code, stdout]).toEqual([exitCodes.usage, ""]);
  });
});

test("a quick run writes a page that needs nothing else", async () => {
  const { code, stdout, stderr } = await run([
    "--",
    "--quick",
    "--seed",
    "7",
    "--components",
    "4",
    "--out",
    "page.html",
  ]);
  expect([code, stderr]).toEqual([exitCodes.success, ""]);
  expect(stdout).toContain("known mixture in 2048 dimensions");
  expect(stdout).toContain(`Page: ${join(directory, "page.html")}`);
  const page = readFileSync(join(directory, "page.html"), "utf8");
  for (const wrong of [/src="(?!data:)|@import|url\(|href="https?:/, /NaN|undefined|Infinity/])
    expect(wrong.exec(page)).toBeNull();
  expect(page.match(/<img src="data:image\/png/g)).toHaveLength(4);
  expect(page.match(/<svg/g)!.length).toBeGreaterThanOrEqual(1);
  const { known, digits, comparison } = JSON.parse(/id="results">(.*)<\/script>/.exec(page)![1]);
  expect([known.length, digits.length, comparison.rows.length]).toEqual([2, 3, 20]);
  // The table of where others fail: SciPy's −∞ and mpmath's errors.
  expect(page.match(/−∞ ✗/g)!.length).toBe(comparison.rows.filter((row: { scipy: { ive: number } }) => row.scipy.ive === 0).length); // prettier-ignore
  expect(page).toContain("no convergence ✗");
});

test("an interrupt ends it, and nothing is written", async () => {
  const { code, stderr } = await run(["--quick", "--out", "never.html"], AbortSignal.abort());
  expect(code).toBe(exitCodes.interrupted);
  expect(stderr).toContain("Stopped; no page was written.");
  expect(existsSync(join(directory, "never.html"))).toBe(false);
});
