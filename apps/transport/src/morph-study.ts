/** Morphs: of clouds of points, and of two digits in three ways. */

import { emd, gridBarycenter } from "@curv/ot";
import { full, tensor, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { clouds } from "./clouds.js";
import { side } from "app-frame/digits";
import { drawDigit, normalised } from "./digits.js";
import { at, particlesOf, type Particles } from "./displacement.js";
import { stage, type Watch } from "./progress.js";
import type { MorphSettings } from "./settings.js";

/** How a digit turns into another. */
export type Way = "particles" | "barycentres" | "blend";

export interface Barycentres {
  /** Allowed error of the marginals, and the largest that was left. */
  readonly tol: number;
  readonly residual: number;
  readonly converged: boolean;
  /** Of all of them together. */
  readonly iterations: number;
}

export interface MorphResults {
  readonly cloud: PlanNumbers;
  readonly digits: PlanNumbers;
  readonly barycentres: Barycentres;
  /** Wasserstein-2 distance from the first digit, as a share of that between the two, at each time; a geodesic has t. */
  readonly path: readonly ({ readonly t: number } & Readonly<Record<Way, number>>)[];
}

export interface PlanNumbers {
  /** Squared Wasserstein-2 distance; the unit is the side of the picture. */
  readonly cost: number;
  readonly particles: number;
  readonly converged: boolean;
  readonly iterations: number;
}

export interface MorphStudy {
  readonly results: MorphResults;
  readonly cloud: Particles;
  readonly digits: Particles;
  /** The two digits, of sum 1, [784]. */
  readonly ends: readonly [Float64Array, Float64Array];
  /** Pictures of sum 1 at evenly spaced times, the two digits first and last. */
  readonly barycentres: readonly Float64Array[];
  readonly blends: readonly Float64Array[];
}

export async function studyMorphs(settings: MorphSettings, key: random.Key, watch: Watch): Promise<MorphStudy> {
  const { signal } = watch;
  const [cloudKey, firstKey, secondKey] = random.split(key, 3);
  const planSummary = ({ count, cost }: Particles): string => `${count} particles, cost ${cost.toPrecision(4)}`;
  const cloud = await stage(
    watch,
    "morph",
    "points",
    async (report) => {
      const { from, to } = clouds(cloudKey, settings.points);
      const even = full([settings.points], 1 / settings.points, { dtype: "float64" });
      return particlesOf(even, from, even, to, {
        signal,
        onProgress: ({ iterations }) => report(0, `${iterations} pivots`),
      });
    },
    planSummary,
  );
  const ends = [
    normalised(await drawDigit(settings.digits[0], firstKey)),
    normalised(await drawDigit(settings.digits[1], secondKey)),
  ] as const;
  const digits = await stage(
    watch,
    "morph",
    "digits",
    () => particlesBetween(onGrid(ends[0]), onGrid(ends[1]), signal),
    planSummary,
  );
  const times = Array.from({ length: settings.frames }, (_, k) => k / (settings.frames - 1));
  const barycentres = await stage(
    watch,
    "morph",
    "barycentres",
    (report) => barycentresBetween(ends, times, settings, signal, report),
    ({ numbers: { iterations, residual } }) => `${iterations} iterations, residual ${residual.toExponential(1)}`,
  );
  const blends = times.map((t) => ends[0].map((v, k) => (1 - t) * v + t * ends[1][k]));
  const path = await stage(
    watch,
    "morph",
    "path",
    (report) => pathOf({ times, digits, barycentres: barycentres.frames, blends }, signal, report),
    () => "distances along the morphs",
  );
  return {
    results: { cloud: numbersOf(cloud), digits: numbersOf(digits), barycentres: barycentres.numbers, path },
    cloud,
    digits,
    ends,
    barycentres: barycentres.frames,
    blends,
  };
}

function numbersOf({ count, cost, converged, iterations }: Particles): PlanNumbers {
  return { cost, particles: count, converged, iterations };
}

/** A measure in the plane. */
interface Measure {
  readonly weights: Tensor;
  readonly points: Tensor;
}

/** The pixels that have mass; the grid goes from 0 to 1, as that of the barycentres does. */
function onGrid(image: Float64Array): Measure {
  const kept = Array.from(image.keys()).filter((k) => image[k] > 0);
  return {
    weights: tensor(normalised(Float64Array.from(kept, (k) => image[k]))),
    points: tensor(
      Float64Array.from(kept.flatMap((k) => [(k % side) / (side - 1), Math.floor(k / side) / (side - 1)])),
      {
        shape: [kept.length, 2],
      },
    ),
  };
}

function particlesBetween(from: Measure, to: Measure, signal: AbortSignal | undefined): Promise<Particles> {
  return particlesOf(from.weights, from.points, to.weights, to.points, { signal });
}

/** The barycentre of one measure alone is the measure: both ends are the digits themselves. */
async function barycentresBetween(
  ends: readonly [Float64Array, Float64Array],
  times: readonly number[],
  { epsilon, tol }: MorphSettings,
  signal: AbortSignal | undefined,
  report: (fraction: number, text: string) => void,
): Promise<{ frames: Float64Array[]; numbers: Barycentres }> {
  const images = tensor(Float64Array.of(...ends[0], ...ends[1]), { shape: [2, side, side] });
  const frames = [ends[0]];
  let [iterations, residual, converged] = [0, 0, true];
  for (const t of times.slice(1, -1)) {
    const result = await gridBarycenter(images, {
      epsilon,
      weights: tensor([1 - t, t], { dtype: "float64" }),
      debiased: true,
      tol,
      maxIter: 2000,
      ...(signal === undefined ? {} : { signal }),
    });
    // What the stop left missing of the mass is shared out.
    frames.push(normalised(Float64Array.from(await result.barycenter.data())));
    iterations += result.iterations;
    residual = Math.max(residual, result.residual);
    converged &&= result.converged;
    report(frames.length / times.length, `${iterations} iterations`);
  }
  return { frames: [...frames, ends[1]], numbers: { tol, residual, converged, iterations } };
}

const pathTimes = 9;

async function pathOf(
  { times, digits, barycentres, blends }: { times: readonly number[]; digits: Particles } & Pick<MorphStudy, "barycentres" | "blends">, // prettier-ignore
  signal: AbortSignal | undefined,
  report: (fraction: number, text: string) => void,
): Promise<MorphResults["path"]> {
  const start = onGrid(barycentres[0]);
  const whole = Math.sqrt(digits.cost);
  const path: MorphResults["path"][number][] = [];
  const step = Math.max(1, Math.floor((times.length - 1) / (pathTimes - 1)));
  for (let k = 0; k < times.length; k += step) {
    const t = times[k];
    const moved: Measure = {
      weights: tensor(digits.mass),
      points: tensor(at(digits, t), { shape: [digits.count, 2] }),
    };
    const share = async (to: Measure): Promise<number> => {
      const { cost } = await emd(start.weights, to.weights, { x: start.points, y: to.points }, signal === undefined ? {} : { signal }); // prettier-ignore
      return Math.sqrt(Math.max(0, cost)) / whole;
    };
    path.push({
      t,
      particles: await share(moved),
      barycentres: await share(onGrid(barycentres[k])),
      blend: await share(onGrid(blends[k])),
    });
    report((k + 1) / times.length, "");
  }
  return path;
}
