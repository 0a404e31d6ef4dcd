import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { exitCodes, main } from "./main.js";

const directory = mkdtempSync(join(tmpdir(), "curvature-report-"));
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
    for (const option of ["--seed", "--epochs", "--out", "--quick", "--resnet", "--save", "--model", "--help"])
      expect(stdout).toContain(option);
  });

  test.each([
    [["--sed", "1"], "Unknown option '--sed'"],
    [["digits"], "Unexpected argument 'digits'"],
    [["--seed"], "argument missing"],
    [["--seed", "one"], '--seed is "one"; wants a safe integer'],
    [["--seed", "1.5"], '--seed is "1.5"; wants a safe integer'],
    [["--seed", ""], '--seed is ""; wants a safe integer'],
    [["--seed", "1e99"], '--seed is "1e99"; wants a safe integer'],
    [["--epochs", "0"], '--epochs is "0"; wants an integer from 1 to 1000'],
    [["--epochs", "many"], '--epochs is "many"; wants an integer from 1 to 1000'],
    [["--epochs=-3"], '--epochs is "-3"; wants an integer from 1 to 1000'],
    [["--quick=yes"], "does not take an argument"],
    [["--out", ""], "--out is empty"],
    [["--out", "."], "--out . is a folder"],
    [["--out", "nowhere/report.html"], "nowhere does not exist"],
    [["--save", ""], "--save is empty"],
    [["--architecture", "mlp"], "--architecture is of a --model"],
    [["--model", "none.safetensors", "--architecture", "mlp"], "there is no such file"],
    [["--model", "x", "--architecture", "vgg"], '--architecture is "vgg"; wants mlp, cnn, resnet20'],
    [["--model", "x", "--architecture", "mlp", "--epochs", "3"], "--epochs is of training"],
  ])("%j is refused before any work", async (args, message) => {
    const { code, stdout, stderr } = await run(args);
    expect(code).toBe(exitCodes.usage);
    expect(stderr).toContain(message);
    expect(stderr).toMatch(/^curvature-report: .*See --help\.\n$/);
    expect(stdout).toBe("");
  });
});

describe("a quick run", () => {
  const read = (name: string): string => readFileSync(join(directory, name), "utf8");
  const numbersOf = (page: string): string =>
    /<script type="application\/json" id="results">(.*)<\/script>/.exec(page)![1];

  test(
    "writes one page that needs nothing else, with the same numbers for the same seed",
    { timeout: 300_000 },
    async () => {
      const first = await run(["--quick", "--seed", "7", "--out", "first.html", "--save", "models"]);
      expect(first.stderr).toBe("");
      expect(first.code).toBe(exitCodes.success);
      for (const words of [
        "Train MLP",
        "Train CNN",
        "largest Hessian eigenvalue",
        "trace of the Hessian",
        "measured / predicted",
        "Gauss–Newton matrix",
        "largest rate of SGD, batches of 64",
        join("models", "cnn.safetensors"),
      ]) {
        expect(first.stdout).toContain(words);
      }

      const page = read("first.html");
      expect(page.match(/<svg[^>]*viewBox/g)!.length).toBeGreaterThanOrEqual(10);
      expect(page.match(/<img src="data:image\/png;base64,/g)!.length).toBeGreaterThan(10);
      expect(page).not.toMatch(/(?:src|href)="(?!data:)|@import|url\(\s*["']?http/);
      expect(page).not.toMatch(/NaN|undefined|Infinity/);

      const results = JSON.parse(numbersOf(page));
      expect(results.mlp.accuracy).toBeGreaterThan(0.5);
      expect(results.cnn.accuracy).toBeGreaterThan(0.5);
      expect(results.stability.ratio).toBeGreaterThan(0.9);
      expect(results.stability.ratio).toBeLessThan(1.3);

      await run(["--quick", "--seed", "7", "--out", "second.html"]);
      expect(numbersOf(read("second.html"))).toBe(numbersOf(page));
    },
  );

  test("a saved network has the curvature that it was saved with", { timeout: 300_000 }, async () => {
    const model = (file: string): readonly string[] => [
      "--model",
      `models/${file}.safetensors`,
      "--architecture",
      "mlp",
    ];
    const { code, stdout, stderr } = await run(["--quick", "--seed", "7", ...model("mlp"), "--out", "model.html"]);
    expect(stderr).toBe("");
    expect(code).toBe(exitCodes.success);
    expect(stdout).toContain("MLP: largest Hessian eigenvalue");
    const page = read("model.html");
    expect(page).not.toMatch(/NaN|undefined|Infinity/);
    const saved = JSON.parse(numbersOf(read("first.html"))).mlp;
    const found = JSON.parse(numbersOf(page)).network;
    expect(found.accuracy).toBe(saved.accuracy);
    expect(found.curvature.largest.eigenvalue / saved.curvature.largest.eigenvalue).toBeCloseTo(1, 3);

    const other = await run(["--quick", ...model("cnn"), "--out", "other.html"]);
    expect(other.code).toBe(exitCodes.failure);
    expect(other.stderr).toMatch(/cnn\.safetensors: the tensor 0\.bias is 8; the MLP wants one of 12/);
    expect(existsSync(join(directory, "other.html"))).toBe(false);
  });

  test("an interrupt ends it without a report", { timeout: 60_000 }, async () => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 200);
    const { code, stderr } = await run(["--quick", "--out", "never.html"], controller.signal);
    expect(code).toBe(exitCodes.interrupted);
    expect(stderr).toContain("Stopped; no report was written.");
    expect(existsSync(join(directory, "never.html"))).toBe(false);
  });
});
