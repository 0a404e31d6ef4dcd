import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { exitCodes } from "app-frame";
import { expectWhole, numbersOf, trial } from "app-frame/testing";
import { describe, expect, test } from "vitest";
import { app } from "./main.js";

const { path, read, run, expectRefusal } = trial(app);

describe("options", () => {
  writeFileSync(path("x"), "");
  test.each([
    [["--epochs", "0"], '--epochs is "0"; wants an integer from 1 to 1000'],
    [["--architecture", "mlp"], "--architecture is of a --model"],
    [["--model", "x"], "--model wants an --architecture: mlp, cnn, resnet20"],
    [["--model", "x", "--architecture", "vgg"], '--architecture has "vgg"; wants one of mlp, cnn, resnet20'],
    [["--model", "x", "--architecture", "mlp", "--epochs", "3"], "--epochs is of training"],
    [["--model", "x", "--architecture", "mlp", "--resnet"], "--resnet is of training"],
  ])("%j is refused before any work", expectRefusal);
});

describe("a quick run", () => {
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
      expect(page.match(/<svg[^>]*viewBox/g)!.length).toBeGreaterThanOrEqual(20);
      expect(page.match(/<img src="data:image\/png;base64,/g)!.length).toBeGreaterThan(10);
      expectWhole(page);

      const results = JSON.parse(numbersOf(page));
      expect(results.networks.map(({ name }: { name: string }) => name)).toEqual(["MLP", "CNN"]);
      for (const { accuracy, history, curvature, batchRates } of results.networks) {
        expect(accuracy).toBeGreaterThan(0.5);
        for (const { sharpness } of history) expect(sharpness).toBeGreaterThan(0);
        const { grid, loss, slopes } = curvature.surface;
        const middle = (grid.steps.length - 1) / 2;
        expect(grid.losses[middle][middle]).toBeCloseTo(loss, 5);
        expect(slopes).toHaveLength(2);
        for (const { ofEdge, linearised, measured } of batchRates.rates) {
          expect(ofEdge).toBeGreaterThan(0);
          expect(linearised).toBeGreaterThan(0);
          expect(measured).toBeGreaterThan(0);
        }
      }
      expect(results.stability.ratio).toBeGreaterThan(0.9);
      expect(results.stability.ratio).toBeLessThan(1.3);

      const options = ["--quick", "--seed", "7", "--checkpoint", "kept", "--out"];
      await run([...options, "second.html"]);
      expect(numbersOf(read("second.html"))).toBe(numbersOf(page));
      // What a run has left that was stopped in the CNN's last evaluation, and lost two measurements.
      for (const file of ["train-CNN.bin", "CNN-layer-0.bin", "MLP-traces.bin"]) rmSync(path("kept", file));
      await run([...options, "third.html"]);
      expect(numbersOf(read("third.html"))).toBe(numbersOf(page));
      const other = await run(["--quick", "--seed", "8", "--out", "other.html", "--checkpoint", "kept"]);
      expect(other.code).toBe(exitCodes.usage);
      expect(other.stderr).toContain("is of a run with other options");
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
    expectWhole(page);
    // All but the training, with the same draws: the same numbers.
    const [saved] = JSON.parse(numbersOf(read("first.html"))).networks;
    expect(JSON.parse(numbersOf(page)).network).toEqual({ ...saved, history: [] });

    const other = await run(["--quick", ...model("cnn"), "--out", "other.html"]);
    expect(other.code).toBe(exitCodes.failure);
    expect(other.stderr).toMatch(/cnn\.safetensors: the tensor 0\.bias is 8; the MLP wants one of 12/);
    expect(existsSync(path("other.html"))).toBe(false);
  });

  test("an interrupt ends it without a report", { timeout: 60_000 }, async () => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 200);
    const { code, stderr } = await run(["--quick", "--out", "never.html"], controller.signal);
    expect(code).toBe(exitCodes.interrupted);
    expect(stderr).toContain("Stopped; nothing was written.");
    expect(existsSync(path("never.html"))).toBe(false);
  });
});
