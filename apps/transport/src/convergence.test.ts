import * as random from "@curv/tensor/random";
import { describe, expect, test } from "vitest";
import { startClock } from "./clock.js";
import { checksOf, convergenceChapter } from "./convergence-page.js";
import { studyConvergence, type ConvergenceStudy } from "./convergence-study.js";
import { quickSettings } from "./settings.js";

describe("the study", { timeout: 60_000 }, async () => {
  const settings = {
    ...quickSettings.convergence,
    assignment: { n: 60, eta: 200 },
    sweeps: 1000,
    large: 80,
  };
  const study = await studyConvergence(settings, random.key(0), {});

  test("both methods, on every problem", () => {
    const { comparisons, large } = study.results;
    expect(comparisons.map(({ name }) => name)).toEqual(["assignment, n = 60", "2 and 7, squared", "2 and 7, city-block"]); // prettier-ignore
    for (const { newton, tol } of comparisons) {
      expect(newton.status).toBe("converged");
      expect(newton.residual).toBeLessThanOrEqual(tol);
      expect(newton.iterations).toBe(newton.sweeps + newton.newtonSteps);
      expect(newton.density).toBeLessThan(0.5);
    }
    expect(large).toMatchObject({ n: 80, newton: { status: "converged" } });
  });

  test("curves end with what is told, and their times grow", () => {
    study.results.comparisons.forEach(({ newton, sinkhorn }, k) => {
      const curves = study.curves[k];
      for (const [curve, { iterations, residual }] of [
        [curves.newton, newton],
        [curves.sinkhorn, sinkhorn],
      ] as const) {
        const { points } = curve;
        const last = points[points.length - 1];
        expect([last.iteration, last.error]).toEqual([iterations, residual]);
        for (let i = 1; i < points.length; i++) {
          expect(points[i].iteration).toBeGreaterThan(points[i - 1].iteration);
          expect(points[i].seconds).toBeGreaterThanOrEqual(points[i - 1].seconds);
        }
      }
    });
  });

  test("Newton's steps are where Sinkhorn is not: an error a million times smaller after as many iterations", () => {
    const [{ newton }] = study.results.comparisons;
    const after = study.curves[0].sinkhorn.points.find(({ iteration }) => iteration >= newton.iterations)!;
    expect(after.error).toBeGreaterThan(1e6 * newton.residual);
  });

  test("the page has the numbers and two plots for each kind of costs", () => {
    const { files, table } = convergenceChapter(study, { ...quickSettings, seed: 0, parts: ["convergence"] });
    const page = files.get("convergence.html") as string;
    expect(page.match(/<svg[^>]*viewBox/g)!.length).toBeGreaterThanOrEqual(6);
    expect(page).not.toMatch(/NaN|undefined|Infinity/);
    expect(table).toContain("2 and 7, city-block");
    expect(table).toContain("n = 80: converged");
  });

  test("can be stopped", async () => {
    const signal = AbortSignal.timeout(50);
    await expect(studyConvergence({ ...settings, assignment: { n: 300, eta: 1200 } }, random.key(0), { signal })).rejects.toThrow(); // prettier-ignore
    expect(signal.aborted).toBe(true);
  });
});

test("claims that are missed are told", () => {
  const make = (sweeps: number, newtonSeconds: number, status: "converged" | "stalled"): ConvergenceStudy => {
    const newton = { status, iterations: 30, residual: 0, sweeps: 20, newtonSteps: 10, cgSteps: 1, density: 0.1 };
    const sinkhorn = { status: "max-iterations", iterations: sweeps, residual: 1 } as const;
    const groups = ["assignment", "squared distances", "city-block distances"] as const;
    return {
      results: {
        comparisons: groups.map((group) => ({ name: group, group, n: 4, eta: 1, tol: 1e-8, newton, sinkhorn })),
        large: null,
      },
      curves: groups.map(() => ({
        newton: { points: [], seconds: newtonSeconds },
        sinkhorn: { points: [], seconds: 1 },
      })),
      large: null,
    };
  };
  const held = (...args: Parameters<typeof make>): boolean[] => checksOf(make(...args)).map(({ holds }) => holds);
  expect(held(600, 0.5, "converged")).toEqual([true, true, true]);
  expect(held(599, 0.5, "converged")).toEqual([false, true, true]);
  expect(held(600, 2, "converged")).toEqual([true, false, false]);
  expect(held(600, 0.5, "stalled")).toEqual([false, false, false]);
});

test("clocks run forward", () => {
  for (const kind of ["wall", "cpu"] as const) {
    const clock = startClock(kind);
    let sum = 0;
    for (let k = 0; k < 3e6; k++) sum += Math.sqrt(k);
    expect(sum).toBeGreaterThan(0);
    expect(clock()).toBeGreaterThan(0);
  }
});
