/** What the parts of a run on a card share: an open card, times, and results as JSON. */

import { cuda } from "@curv/backend-cuda";
import { use } from "@curv/tensor";

/** @typedef {import("@curv/backend-cuda").CudaBackend} CudaBackend */
/** @typedef {import("@curv/tensor").Tensor} Tensor */

export const floats = /** @type {const} */ (["float32", "float64"]);

/**
 * What a part is given.
 *
 * @typedef {object} Run
 * @property {boolean} tiny Whether sizes are those of a test, not of a measurement.
 * @property {() => number} left Seconds until the part's time is up.
 * @property {string | undefined} shard "2/4": the second quarter of a long list.
 * @property {number} from The first of the hard cases that are done.
 * @property {(known: Record<string, unknown>) => void} save Writes what is known so far.
 * @property {string | undefined} only Names, separated by commas: what is done of a list.
 */

/**
 * A card, which is from here on where tensors are made.
 *
 * @param {import("@curv/backend-cuda").CudaOptions} [options]
 * @returns {CudaBackend}
 */
export function openCard(options) {
  const place = cuda(options);
  use(place);
  return place;
}

/** Disposes every tensor of a tree. */
export function drop(tree) {
  if (tree === null || typeof tree !== "object") return;
  if (typeof tree.dispose === "function") tree.dispose();
  else for (const part of Object.values(tree)) drop(part);
}

/** How long is measured; `main.mjs` shortens it for a test. */
export const pace = { samples: 20, batchMilliseconds: 20, warm: 4 };

const median = (sorted) => sorted[sorted.length >> 1];

/**
 * Milliseconds of one call of `f`, whose results are dropped: the host's clock around as many calls as take a while, with all work waited
 * for at the end of them. Median, tenth and ninetieth percentile of several such batches.
 *
 * @param {CudaBackend} place
 * @param {() => unknown} f
 * @param {{ seconds?: number, samples?: number }} [options] At most so many seconds and samples.
 */
export function timed(place, f, { seconds = 8, samples = pace.samples } = {}) {
  const batch = (calls) => {
    place.device.synchronize();
    const start = performance.now();
    for (let i = 0; i < calls; i++) drop(f());
    place.device.synchronize();
    return performance.now() - start;
  };
  const first = batch(1);
  const end = performance.now() + 1000 * seconds;
  for (let i = 0; i < pace.warm && performance.now() < end; i++) batch(1);
  const calls = Math.max(1, Math.min(1000, Math.ceil(pace.batchMilliseconds / Math.max(batch(1), 1e-3))));
  const times = [];
  while (times.length < samples && (times.length < Math.min(3, samples) || performance.now() < end))
    times.push(batch(calls) / calls);
  times.sort((a, b) => a - b);
  return {
    milliseconds: median(times),
    p10: times[Math.floor(times.length / 10)],
    p90: times[Math.floor((9 * times.length) / 10)],
    samples: times.length,
    callsPerSample: calls,
    firstMilliseconds: first,
  };
}

/** Largest difference of two arrays of numbers over the largest number. */
export function relativeDifference(got, wanted) {
  let [most, scale] = [0, 0];
  for (let i = 0; i < wanted.length; i++) {
    most = Math.max(most, Math.abs(got[i] - wanted[i]));
    scale = Math.max(scale, Math.abs(wanted[i]));
  }
  return most / (scale || 1);
}

/** What an error says. */
export function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}

/** @returns {never} */
export function fail(message) {
  throw new Error(message);
}
