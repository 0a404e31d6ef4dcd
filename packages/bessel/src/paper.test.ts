/** `method: "paper"`: the paper's expressions, what they reach, and that the default does better. */

import { grad, tensor, type Tensor } from "@curv/tensor";
import { describe, expect, test } from "vitest";
import { column } from "../test/grid.js";
import { logIv, logKv } from "./index.js";

const [v, x] = [column("v"), column("x")];

// Simpson's rule with 600 intervals leaves 6e-10 at orders near 0, where the first integrand has a sharp knee: β = 16.
describe.each([["logIv", logIv, 1e-13], ["logKv", logKv, 1e-9]] as const)("%s", (name, f, bound) => {
  const wanted = column(name);
  const worst = (method: "paper" | "accurate"): number =>
    wanted.reduce((most, w, i) => {
      if (i % 20 > 0) return most; // Rothwell's integral takes its time
      return Math.max(most, Math.abs(f(v[i], x[i], { method }) - w) / Math.max(1, Math.abs(w)));
    }, 0);

  test("agrees, and the default is more accurate", () => {
    const paper = worst("paper");
    expect(paper).toBeLessThan(bound);
    expect(worst("accurate")).toBeLessThan(paper / 10);
  });

  test("of tensors, with derivatives", () => {
    const at = tensor([0.3, 2, 40], { dtype: "float64" });
    const got = f(1.5, at, { method: "paper" });
    expect(got.dataSync()).toEqual(Float64Array.of(...[0.3, 2, 40].map((t) => f(1.5, t, { method: "paper" }))));
    const slope = (method: "paper" | "accurate"): Float64Array =>
      grad((t: Tensor) => f(1.5, t, { method }).sum())(at).dataSync() as Float64Array;
    expect(slope("paper")).toEqual(slope("accurate"));
  });
}); // prettier-ignore
