import { emd, gridBarycenter } from "@curv/ot";
import { full, tensor, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { parseHTML } from "linkedom";
import { describe, expect, test } from "vitest";
import { clouds } from "./clouds.js";
import { side } from "app-frame/digits";
import { drawDigit, halved, normalised } from "./digits.js";
import { at, particlesOf } from "./displacement.js";
import { morphChapter } from "./morph-page.js";
import { studyMorphs } from "./morph-study.js";
import { player } from "./player.js";
import { quickSettings } from "./settings.js";

const even = (n: number): Tensor => full([n], 1 / n, { dtype: "float64" });
const distance = async (a: Tensor, x: Tensor, b: Tensor, y: Tensor): Promise<number> =>
  Math.sqrt(Math.max(0, (await emd(a, b, { x, y })).cost));

describe("displacement interpolation", async () => {
  const { from } = clouds(random.key(1), 40);
  const { to } = clouds(random.key(2), 30);
  const particles = await particlesOf(even(40), from, even(30), to);
  const cloudAt = (t: number): Tensor => tensor(at(particles, t), { shape: [particles.count, 2] });

  test("starts in one cloud and ends in the other, whatever their sizes", async () => {
    const mass = tensor(particles.mass);
    expect(mass.sum().itemSync()).toBeCloseTo(1, 12);
    expect(await distance(mass, cloudAt(0), even(40), from)).toBeLessThan(1e-7);
    expect(await distance(mass, cloudAt(1), even(30), to)).toBeLessThan(1e-7);
    // A vertex of the transport polytope.
    expect(particles.count).toBeLessThanOrEqual(40 + 30 - 1);
  });

  test("is the shortest path: W(μ_s, μ_t) = |t − s| W(μ_0, μ_1)", async () => {
    const mass = tensor(particles.mass);
    const whole = Math.sqrt(particles.cost);
    for (const [s, t] of [
      [0, 0.3],
      [0.2, 0.9],
      [0.5, 1],
    ]) {
      expect(await distance(mass, cloudAt(s), mass, cloudAt(t))).toBeCloseTo((t - s) * whole, 9);
    }
  });
});

test("digits: the key chooses; means of pixels keep the ink", async () => {
  const [one, same, other] = await Promise.all([0, 0, 1].map((k) => drawDigit(3, random.key(k))));
  expect(one).toEqual(same);
  expect(one).not.toEqual(other);
  const sum = (v: Float64Array): number => v.reduce((s, x) => s + x, 0);
  expect(4 * sum(halved(one))).toBeCloseTo(sum(one), 9);
  expect(halved(one)).toHaveLength(196);
  expect(sum(normalised(one))).toBeCloseTo(1, 12);
});

describe("the study", { timeout: 60_000 }, async () => {
  const study = await studyMorphs(quickSettings.morph, random.key(3), {});
  const { ends, barycentres, blends, results, digits } = study;

  test("morphs begin and end with the digits, and keep their mass", () => {
    for (const frames of [barycentres, blends]) {
      expect(frames[0]).toEqual(ends[0]);
      expect(frames[frames.length - 1]).toEqual(ends[1]);
      for (const frame of frames) expect(frame.reduce((s, v) => s + v, 0)).toBeCloseTo(1, 9);
    }
    // Particles, put back into pixels, are the digits.
    for (const [t, end] of [
      [0, ends[0]],
      [1, ends[1]],
    ] as const) {
      const pixels = new Float64Array(side * side);
      const places = at(digits, t);
      digits.mass.forEach((m, k) => (pixels[Math.round(places[2 * k + 1] * (side - 1)) * side + Math.round(places[2 * k] * (side - 1))] += m)); // prettier-ignore
      pixels.forEach((v, k) => expect(v).toBeCloseTo(end[k], 12));
    }
  });

  test("the barycentre of one measure alone is the measure, so that the ends are no exceptions", async () => {
    const images = tensor(Float64Array.of(...ends[0], ...ends[1]), { shape: [2, side, side] });
    const weights = tensor([0.999, 0.001], { dtype: "float64" });
    const { epsilon, tol } = quickSettings.morph;
    const { barycenter } = await gridBarycenter(images, { epsilon, tol, weights, debiased: true, maxIter: 2000 });
    const off = (barycenter.dataSync() as Float64Array).reduce((s, v, k) => s + Math.abs(v - ends[0][k]), 0);
    const apart = ends[0].reduce((s, v, k) => s + Math.abs(v - ends[1][k]), 0);
    expect(off).toBeLessThan(0.2 * apart);
  });

  test("particles keep to the geodesic; barycentres are nearer to it than the blend", () => {
    for (const { t, particles, barycentres: through, blend } of results.path) {
      expect(particles).toBeCloseTo(t, 6);
      expect(through).toBeLessThanOrEqual(blend + 1e-9);
      expect(through).toBeGreaterThan(t - 0.02);
      // W² is convex: the blend has at most the share t of it.
      expect(blend).toBeLessThanOrEqual(Math.sqrt(t) + 1e-6);
    }
    const middle = results.path[Math.floor(results.path.length / 2)];
    expect(middle.blend - middle.barycentres).toBeGreaterThan(0.03);
    expect(results.barycentres.converged).toBe(true);
  });

  describe("the page plays", () => {
    const page = morphChapter(study, { ...quickSettings, seed: 3, parts: ["morph"] }).files.get("morph.html") as string;

    /** Runs the page's script against a document without a browser; frames are drawn when `frame` is called. */
    function open(calm: boolean) {
      const { document, Event } = parseHTML(page);
      const waiting: ((now: number) => void)[] = [];
      const matchMedia = (): object => ({ matches: calm, addEventListener: () => undefined });
      const run = new Function("document", "matchMedia", "requestAnimationFrame", player);
      run(document, matchMedia, (f: (now: number) => void) => waiting.push(f));
      const byId = (id: string): HTMLInputElement => document.getElementById(id) as unknown as HTMLInputElement;
      return {
        byId,
        frame: (now: number): void => waiting.splice(0).forEach((f) => f(now)),
        click: () => byId("play").dispatchEvent(new Event("click")),
        slide: (t: number) => {
          byId("time").value = String(t);
          byId("time").dispatchEvent(new Event("input"));
        },
        circle: () => document.querySelector("circle[data-x]")!,
        opacities: () => [...document.querySelector("[data-frames]")!.children].map((e) => Number(e.getAttribute("opacity"))), // prettier-ignore
      };
    }

    test("by itself, unless the user prefers reduced motion", () => {
      const lively = open(false);
      expect(lively.byId("play").textContent).toBe("Pause");
      for (let now = 0; now <= 2000; now += 50) lively.frame(now);
      expect(Number(lively.byId("time").value)).toBeCloseTo(0.5, 2);

      const calm = open(true);
      expect(calm.byId("play").textContent).toBe("Play");
      for (let now = 0; now <= 2000; now += 50) calm.frame(now);
      expect(calm.byId("time").value).toBe("0");
      // Who asks for it gets it.
      calm.click();
      for (let now = 0; now <= 1000; now += 50) calm.frame(now);
      expect(Number(calm.byId("time").value)).toBeGreaterThan(0.2);
    });

    test("and back again, until it is paused; the slider pauses, and moves everything", () => {
      const { byId, frame, click, slide, circle, opacities } = open(false);
      for (let now = 0; now <= 6600; now += 50) frame(now);
      const back = Number(byId("time").value);
      expect(back).toBeCloseTo((2 * (4 + 0.8) - 0.8 - 6.6) / 4, 9);
      click();
      for (let now = 6600; now <= 9000; now += 50) frame(now);
      expect(Number(byId("time").value)).toBe(back);
      slide(1);
      expect(circle().getAttribute("cx")).toBe(circle().getAttribute("data-x"));
      expect(opacities()).toEqual([0, 0, 0, 0, 1]);
      slide(0.125);
      expect(opacities()).toEqual([0.5, 0.5, 0, 0, 0]);
      expect(byId("shown").textContent).toBe("t = 0.13");
      expect(byId("controls").hidden).toBe(false);
    });
  });
});
