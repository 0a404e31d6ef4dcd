/** Few colours that stand for all colours of a picture. */

import * as random from "@curv/tensor/random";
import { breathe } from "app-frame";
import type { Colours } from "./colours.js";

export interface PaletteOptions {
  /** Number of colours; fewer where the picture has fewer. */
  readonly size: number;
  /** `kmeans`: centres of clusters, with their shares. `sample`: colours of pixels drawn at random, of even weights. */
  readonly method: "kmeans" | "sample";
  readonly key: random.Key;
  /** Steps of k-means, at most. Default 30. */
  readonly maxIter?: number;
  readonly signal?: AbortSignal | undefined;
}

/** Colours are first brought together in cells that the eye hardly tells apart: tens of thousands of them, at most. */
const cellsPerUnit = 128;

export async function paletteOf(colours: Colours, options: PaletteOptions): Promise<Colours> {
  return options.method === "sample" ? samplePalette(colours, options) : kMeans(inCells(colours), options);
}

/** Draws with replacement; equal draws are one colour with their weights together. */
function samplePalette({ count, points, weights }: Colours, { size, key }: PaletteOptions): Colours {
  const cumulative = new Float64Array(count);
  let sum = 0;
  for (let k = 0; k < count; k++) cumulative[k] = sum += weights[k];
  const drawn = new Map<number, number>();
  for (const u of uniforms(key, size)) {
    const k = firstAbove(cumulative, u * sum);
    drawn.set(k, (drawn.get(k) ?? 0) + 1 / size);
  }
  return gather(points, [...drawn.keys()], [...drawn.values()]);
}

/**
 * k-means with the starts of k-means++.
 *
 * Source: Lloyd, Least squares quantization in PCM (1982); Arthur & Vassilvitskii, k-means++ (2007).
 */
async function kMeans(colours: Colours, { size, key, maxIter = 30, signal }: PaletteOptions): Promise<Colours> {
  const { count, points, weights } = colours;
  const starts = spreadStarts(colours, Math.min(size, count), key);
  let centres = gather(points, starts, new Array<number>(starts.length).fill(0));
  let inertia = Infinity;
  for (let step = 0; step < maxIter; step++) {
    await breathe(signal);
    const k = centres.count;
    const sums = new Float64Array(3 * k);
    const shares = new Float64Array(k);
    let next = 0;
    for (let i = 0; i < count; i++) {
      const { place, distance } = nearest(points, i, centres);
      next += weights[i] * distance;
      shares[place] += weights[i];
      for (let c = 0; c < 3; c++) sums[3 * place + c] += weights[i] * points[3 * i + c];
    }
    // A centre that nothing is nearest to goes.
    const kept = Array.from(shares.keys()).filter((j) => shares[j] > 0);
    const means = sums.map((s, at) => s / shares[Math.floor(at / 3)]);
    centres = gather(means, kept, kept.map((j) => shares[j])); // prettier-ignore
    if (next >= inertia * (1 - 1e-4)) break;
    inertia = next;
  }
  return centres;
}

/** Each start is drawn with probabilities that grow with the squared distance from those before. */
function spreadStarts({ count, points, weights }: Colours, size: number, key: random.Key): number[] {
  const draws = uniforms(key, size);
  const starts: number[] = [];
  const distances = new Float64Array(count).fill(1);
  const cumulative = new Float64Array(count);
  for (let k = 0; k < size; k++) {
    let sum = 0;
    for (let i = 0; i < count; i++) cumulative[i] = sum += weights[i] * distances[i];
    // Every colour that has weight is a start already.
    if (!(sum > 0)) break;
    const start = firstAbove(cumulative, draws[k] * sum);
    starts.push(start);
    for (let i = 0; i < count; i++) {
      const d = squaredDistance(points, i, points, start);
      distances[i] = k === 0 ? d : Math.min(distances[i], d);
    }
  }
  return starts;
}

function nearest(points: Float64Array, i: number, centres: Colours): { place: number; distance: number } {
  let place = 0;
  let distance = Infinity;
  for (let j = 0; j < centres.count; j++) {
    const d = squaredDistance(points, i, centres.points, j);
    if (d < distance) [place, distance] = [j, d];
  }
  return { place, distance };
}

/** Colours of one cell become their mean. */
function inCells({ count, points, weights }: Colours): Colours {
  const cells = new Map<number, [weight: number, x: number, y: number, z: number]>();
  for (let k = 0; k < count; k++) {
    const [x, y, z] = points.subarray(3 * k, 3 * k + 3);
    const place = [x, y, z].reduce((at, v) => at * 512 + Math.floor(v * cellsPerUnit) + 256, 0);
    const cell = cells.get(place) ?? [0, 0, 0, 0];
    cells.set(place, cell);
    const w = weights[k];
    cell[0] += w;
    cell[1] += w * x;
    cell[2] += w * y;
    cell[3] += w * z;
  }
  const full = [...cells.values()].filter(([weight]) => weight > 0);
  return {
    count: full.length,
    points: Float64Array.from(full.flatMap(([w, x, y, z]) => [x / w, y / w, z / w])),
    weights: Float64Array.from(full, ([w]) => w),
  };
}

function gather(points: Float64Array, places: readonly number[], weights: readonly number[]): Colours {
  const chosen = new Float64Array(3 * places.length);
  places.forEach((from, to) => chosen.set(points.subarray(3 * from, 3 * from + 3), 3 * to));
  return { count: places.length, points: chosen, weights: Float64Array.from(weights) };
}

function squaredDistance(p: Float64Array, i: number, q: Float64Array, j: number): number {
  const [x, y, z] = [p[3 * i] - q[3 * j], p[3 * i + 1] - q[3 * j + 1], p[3 * i + 2] - q[3 * j + 2]];
  return x * x + y * y + z * z;
}

/** The first place whose cumulative weight is above u. */
function firstAbove(cumulative: Float64Array, u: number): number {
  let [low, high] = [0, cumulative.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (cumulative[middle] > u) high = middle;
    else low = middle + 1;
  }
  return low;
}

function uniforms(key: random.Key, count: number): Float64Array {
  return random.uniform(key, { shape: [count], dtype: "float64" }).dataSync() as Float64Array;
}
