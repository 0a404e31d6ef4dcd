import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { exitCodes, main } from "./main.js";
import { decodePicture, encodePng } from "./picture-files.js";
import type { Picture } from "./picture.js";
import { progressPrinter, textTable } from "./terminal.js";

const directory = mkdtempSync(join(tmpdir(), "transport-"));
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

const path = (...names: string[]): string => join(directory, ...names);
const read = (...names: string[]): string => readFileSync(path(...names), "utf8");
const numbersOf = (page: string): string => /<script type="application\/json" id="results">(.*)<\/script>/.exec(page)![1]; // prettier-ignore

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
  test("--help says what there is", async () => {
    const { code, stdout } = await run(["--help"]);
    expect(code).toBe(exitCodes.success);
    for (const option of [
      ...["only", "out", "seed", "quick", "help", "source", "target", "plan", "palette", "colours", "epsilon", "rho"],
      ...["digits", "points", "sweeps", "clock", "large"],
    ]) {
      expect(stdout).toContain(`--${option} `);
    }
  });

  save("there.png", 2, 2, () => [1, 2, 3, 255]);
  test.each([
    [["--sed", "1"], "Unknown option '--sed'"],
    [["picture.png"], "Unexpected argument 'picture.png'"],
    [["--seed", "one"], '--seed is "one"; wants a safe integer'],
    [["--only", "colour,morphs"], '--only has "morphs"; wants some of colour, morph, convergence'],
    [["--plan", ""], '--plan has ""; wants some of exact, entropic, unbalanced'],
    [["--palette", "median"], '--palette has "median"; wants one of kmeans, sample'],
    [["--palette", "kmeans,sample"], "wants one of kmeans, sample"],
    [["--clock", "sun"], '--clock has "sun"; wants one of wall, cpu'],
    [["--colours", "0"], '--colours is "0"; wants an integer from 1 to 2000'],
    [["--epsilon=-1"], '--epsilon is "-1"; wants a number from 0.0001 to 10000'],
    [["--rho", "-1"], "argument is ambiguous. See"],
    [["--rho=0"], '--rho is "0"; wants a number'],
    [["--digits", "2"], '--digits is "2"; wants two digits such as 2,7'],
    [["--sweeps", "1.5"], '--sweeps is "1.5"; wants an integer from 100'],
    [["--source", "there.png"], "--source was given without --target"],
    [["--target", "there.png"], "--target was given without --source"],
    [["--source", "none.png", "--target", "there.png"], "--source none.png: there is no such file"],
    [["--source", "there.png", "--target", "."], "--target . is a folder; wants a PNG or JPEG"],
    [["--out", ""], "--out is empty"],
    [["--out", "there.png"], "--out there.png is a file; wants a folder"],
    [["--out", "nowhere/pages"], "nowhere does not exist"],
  ])("%j is refused before any work", async (args, message) => {
    const { code, stdout, stderr } = await run(args);
    expect(stderr).toContain(message);
    expect(stderr).toMatch(/^transport: .*See --help\.\n$/s);
    expect(code).toBe(exitCodes.usage);
    expect(stdout).toBe("");
  });
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
        const html = read("first", `${page}.html`).replaceAll(/data:image\/png;base64,[^"]*/g, "data:");
        const loads = /src="(?!data:)|@import|url\(\s*["']?http|href="https?:/;
        for (const wrong of [loads, /NaN|undefined|Infinity/]) expect(wrong.exec(html)).toBeNull();
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

test("an interrupt ends it, and says what there is", { timeout: 60_000 }, async () => {
  const { code, stderr } = await run(["--quick", "--out", "never"], AbortSignal.abort());
  expect(code).toBe(exitCodes.interrupted);
  expect(stderr).toContain("Stopped; nothing was written.");
  expect(existsSync(path("never"))).toBe(false);
});

test("progress: a line that is redrawn on terminals, whole lines at ends elsewhere", () => {
  const print = (isTTY: boolean): string => {
    let text = "";
    const show = progressPrinter({ isTTY, columns: 60, write: (part) => (text += String(part)) });
    const step = { part: "colour", stage: "exact", text: "x".repeat(100) } as const;
    show({ ...step, fraction: 0.5 });
    show({ ...step, fraction: 1 });
    return text;
  };
  expect(print(false).match(/\n/g)).toHaveLength(1);
  for (const line of print(true).trimEnd().split("\r\x1b[2K")) expect(line.length).toBeLessThan(60);
});

test("tables stand in columns", () => {
  expect(textTable(["a", "b"], [["long", "1"], ["x", "22"]])).toBe("  a      b\n  long   1\n  x     22"); // prettier-ignore
});
