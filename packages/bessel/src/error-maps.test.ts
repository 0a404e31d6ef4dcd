/** The table of errors in the guide to the special functions says what the functions do today. */

import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { errorCurves, errorMaps, reference, summary } from "../test/error-maps.js";

const guides = new URL("../../../docs/guides/", import.meta.url);
const rows = readFileSync(new URL("special-functions.md", guides), "utf8")
  .split("\n")
  .filter((line) => line.startsWith("| `"))
  .map((line) => line.split("|").map((text) => text.trim()));

const data = reference();
const maps = errorMaps(data);

describe.each([...maps, ...errorCurves(data)])("$name", ({ name, panels, known }) => {
  test.each(panels)("$title", ({ title, errors }) => {
    const row = rows.find(([, of, panel]) => of === `\`${name}\`` && panel === title);
    const [withinOne, withinFour, worst, notFinite] = (row ?? []).slice(3).map(parseFloat);
    const now = summary(errors, known);
    // Another engine's elementary functions may round a few values otherwise.
    expect(Math.abs(100 * now.withinOne - withinOne)).toBeLessThan(0.6);
    expect(Math.abs(100 * now.withinFour - withinFour)).toBeLessThan(0.2);
    expect(Math.abs(100 * now.notFinite - notFinite)).toBeLessThan(0.1);
    expect(now.worst / worst).toBeGreaterThan(0.6);
    expect(now.worst / worst).toBeLessThan(1.4);
  });
});

test.each([...maps.map(({ name }) => `errors-${name}`), "errors-one-argument", "branches"])(
  "there is %s.svg",
  (name) => {
    expect(existsSync(new URL(`special-functions/${name}.svg`, guides))).toBe(true);
  },
);
