import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { exitCodes } from "app-frame";
import { expectWhole, numbersOf, trial } from "app-frame/testing";
import { describe, expect, test } from "vitest";
import { app } from "./main.js";
import { decodePicture, encodePng } from "./picture-files.js";
import type { Picture } from "./picture.js";

const { path, read, run, expectRefusal, expectInterrupt } = trial(app);

function save(name: string, width: number, height: number, pixel: (k: number) => readonly number[]): Picture {
  const data = Uint8Array.from({ length: width * height }, (_, k) => k).reduce(
    (all, _, k) => {
      all.set(pixel(k), 4 * k);
      return all;
    },
    new Uint8Array(4 * width * height),
  );
  const picture = { width, height, data };
  writeFileSync(path(name), encodePng(picture));
  return picture;
}

describe("options", () => {
  save("there.png", 2, 2, () => [1, 2, 3, 255]);
  test.each([
    [["--only", "colour,morphs"], '--only has "morphs"; wants some of colour, morph, convergence'],
    [["--plan", ""], '--plan has ""; wants some of exact, entropic, unbalanced'],
    [["--palette", "kmeans,sample"], "wants one of kmeans, sample"],
    [["--clock", "sun"], '--clock has "sun"; wants one of wall, cpu'],
    [["--colours", "0"], '--colours is "0"; wants an integer from 1 to 2000'],
    [["--rho=0"], '--rho is "0"; wants a number'],
    [["--digits", "2"], '--digits is "2"; wants two digits such as 2,7'],
    [["--sweeps", "1.5"], '--sweeps is "1.5"; wants an integer from 100'],
    [["--source", "there.png"], "--source was given without --target"],
    [["--target", "there.png"], "--target was given without --source"],
    [["--source", "there.png", "--target", "."], "--target . is a folder; wants a PNG or JPEG"],
    [["--out", "there.png"], "--out there.png is a file; wants a folder"],
  ])("%j is refused before any work", expectRefusal);
});

describe("a quick run", () => {
  test(
    "writes pages that need nothing else, with the same numbers for the same seed",
    { timeout: 240_000 },
    async () => {
      const few = ["--quick", "--seed", "7", "--colours", "24", "--points", "40", "--sweeps", "200"];
      const first = await run([...few, "--out", "first"]);
      expect(first.stderr).toBe("");
      expect(first.code).toBe(exitCodes.success);
      for (const words of ["Colour transfer", "Morphs", "Sinkhorn-Newton-Sparse", path("first", "index.html")]) {
        expect(first.stdout).toContain(words);
      }
      for (const page of ["index", "colour", "morph", "convergence"]) {
        const html = read("first", `${page}.html`);
        expectWhole(html);
        // What is linked to is there.
        for (const [, file] of html.matchAll(/href="([\w.-]+)"/g)) expect(existsSync(path("first", file))).toBe(true);
      }
      const source = decodePicture(readFileSync(path("first", "source.png")), "source.png");
      const exact = decodePicture(readFileSync(path("first", "exact.png")), "exact.png");
      expect([exact.width, exact.height]).toEqual([source.width, source.height]);

      // Part by part it is the same.
      const again = await run(["--", ...few, "--only", "colour", "--out", "second"]);
      expect(again.code).toBe(exitCodes.success);
      const [whole, part] = ["first", "second"].map((folder) => JSON.parse(numbersOf(read(folder, "index.html"))));
      expect(part.colour).toEqual(whole.colour);
      expect(existsSync(path("second", "morph.html"))).toBe(false);
      expect(readFileSync(path("second", "exact.png"))).toEqual(readFileSync(path("first", "exact.png")));
    },
  );
});

describe("own pictures", () => {
  const grey = save("grey.png", 12, 8, (k) => [2 * k, 2 * k, 2 * k, k % 5 === 0 ? 100 : 255]);
  save("red.png", 9, 9, (k) => [100 + k, 20, 3 * (k % 9), 255]);
  save("glass.png", 3, 3, () => [1, 2, 3, 0]);
  const colour = (source: string, target: string, ...more: string[]) =>
    run(["--only", "colour", "--colours", "16", "--source", source, "--target", target, "--out", "own", ...more]);

  test("a grey picture becomes red, and keeps its alpha", async () => {
    const { code, stderr } = await colour("grey.png", "red.png", "--plan", "exact");
    expect(stderr).toBe("");
    expect(code).toBe(exitCodes.success);
    const { data, width, height } = decodePicture(readFileSync(path("own", "exact.png")), "exact.png");
    expect([width, height]).toEqual([12, 8]);
    for (let k = 0; k < data.length; k += 4) {
      expect(data[k + 3]).toBe(grey.data[k + 3]);
      expect(data[k]).toBeGreaterThan(data[k + 1] + 60);
    }
    expect(existsSync(path("own", "entropic.png"))).toBe(false);
  });

  test("what is no picture is a failure with its name", async () => {
    writeFileSync(path("words.jpg"), "words");
    const { code, stderr } = await colour("words.jpg", "red.png");
    expect(code).toBe(exitCodes.failure);
    expect(stderr).toContain("transport: words.jpg: this is no picture that is known here; wants PNG or JPEG");
    expect((await colour("grey.png", "glass.png")).stderr).toContain("the target is transparent everywhere");
  });
});

test("an interrupt ends it", () => expectInterrupt(["--quick"], "never"));
