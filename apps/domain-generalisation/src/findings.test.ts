/** The claim about label shift: what the digits cannot tell apart is no failure, and what they can is one. */

import { expect, test } from "vitest";
import type { Results, Row } from "./experiment.js";
import { checks } from "./findings.js";
import { fullSettings } from "./settings.js";

function holds(hgp: number): readonly boolean[] {
  const row = (method: string, accuracy: number): Row => ({
    method,
    ours: false,
    runs: [{ seed: 0, failed: false, points: [{ step: 501, train: 0.9, test: accuracy }] }],
  });
  const rows = [row("ERM", 0.233), row("HGP", hgp), row("Hutchinson, exact diagonal", 0.294)];
  const settings = { ...fullSettings, seed: 0, parts: ["label-shift"] };
  return checks({ settings, experiments: [{ part: "label-shift", rows }] } as unknown as Results).map((c) => c.holds);
}

test("label shift: 0.013 is the standard error of a difference on 2000 digits", () => {
  expect(holds(0.227)).toEqual([true, true]);
  expect(holds(0.221)).toEqual([true, true]);
  expect(holds(0.219)).toEqual([false, true]);
});
