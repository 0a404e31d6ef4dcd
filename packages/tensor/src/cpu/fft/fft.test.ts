/** The transform against its definition, for every kind of length, and its inverse. */

import { describe, expect, test } from "vitest";
import { fft } from "./index.js";

const ulp = 2 ** -53;

/** Relative error (rms) that the documentation promises. */
const bound = (n: number): number => ulp * Math.max(1, Math.log2(n));

/** Numbers in (−½, ½), the same on every machine (xorshift32). */
function noise(count: number, seed: number): Float64Array {
  let state = seed;
  return new Float64Array(count).map(() => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32 - 0.5;
  });
}

/** cos(2πk/n), sin(2πk/n) with the angle reduced to [0, π/4] before it is rounded. */
function root(k: number, n: number): [number, number] {
  const eighth = Math.floor((8 * k) / n);
  const quarter = Math.floor((eighth + 1) / 2); // nearest multiple of π/2
  const angle = ((4 * k - quarter * n) / n) * (Math.PI / 2);
  const c = Math.cos(angle);
  const s = Math.sin(angle);
  return [
    [c, s],
    [-s, c],
    [-c, -s],
    [s, -c],
  ][quarter % 4] as [number, number];
}

/** Adds with compensation (Neumaier), so that the reference is better than what it judges. */
class Sum {
  private total = 0;
  private lost = 0;
  add(x: number): void {
    const next = this.total + x;
    this.lost += Math.abs(this.total) >= Math.abs(x) ? this.total - next + x : x - next + this.total;
    this.total = next;
  }
  get value(): number {
    return this.total + this.lost;
  }
}

/** X_k by the definition. */
function definition(re: Float64Array, im: Float64Array, k: number, inverse: boolean): [number, number] {
  const n = re.length;
  const a = new Sum();
  const b = new Sum();
  for (let j = 0; j < n; j++) {
    const [c, sine] = root((j * k) % n, n);
    const s = inverse ? sine : -sine;
    a.add(re[j] * c);
    a.add(-im[j] * s);
    b.add(re[j] * s);
    b.add(im[j] * c);
  }
  return [a.value, b.value];
}

function relativeError(n: number, inverse: boolean): number {
  const re = noise(n, n);
  const im = noise(n, n + 1);
  const outRe = re.slice();
  const outIm = im.slice();
  fft(outRe, outIm, n, 1, inverse);
  let error = 0;
  let size = 0;
  const step = Math.max(1, Math.floor(n / 61)); // all frequencies of short transforms, a comb of long ones
  for (let k = 0; k < n; k += step) {
    const [a, b] = definition(re, im, k, inverse);
    error += (outRe[k] - a) ** 2 + (outIm[k] - b) ** 2;
    size += a * a + b * b;
  }
  return Math.sqrt(error / size);
}

const lengths = [...Array.from({ length: 64 }, (_, i) => i + 1), 97, 101, 122, 257, 1000, 1009, 1024, 4096, 2 ** 16];

describe("against the definition", () => {
  test.each(lengths)("n = %i", (n) => {
    expect(relativeError(n, false)).toBeLessThan(bound(n));
    expect(relativeError(n, true)).toBeLessThan(bound(n));
  });
});

describe("properties", () => {
  test.each([...lengths, 10007, 3 * 5 * 7 * 11 * 13])("inverse after forward is n·x, and Parseval: n = %i", (n) => {
    const re = noise(n, 3 * n);
    const im = noise(n, 5 * n);
    const a = re.slice();
    const b = im.slice();
    const energy = (x: Float64Array, y: Float64Array): number => x.reduce((sum, v, i) => sum + v * v + y[i] * y[i], 0);
    fft(a, b, n, 1, false);
    expect(energy(a, b) / n / energy(re, im)).toBeCloseTo(1, 13);
    fft(a, b, n, 1, true);
    const difference = energy(
      a.map((v, i) => v / n - re[i]),
      b.map((v, i) => v / n - im[i]),
    );
    expect(Math.sqrt(difference / energy(re, im))).toBeLessThan(2 * bound(n));
  });

  test("a batch is its rows, bit for bit, whatever was transformed before", () => {
    for (const n of [1, 5, 8, 12, 49, 67, 100]) {
      const re = noise(7 * n, n);
      const im = noise(7 * n, n + 9);
      const batchRe = re.slice();
      const batchIm = im.slice();
      fft(batchRe, batchIm, n, 7, false);
      for (let row = 6; row >= 0; row--) {
        const a = re.slice(row * n, (row + 1) * n);
        const b = im.slice(row * n, (row + 1) * n);
        fft(a, b, n, 1, false);
        expect(a).toEqual(batchRe.slice(row * n, (row + 1) * n));
        expect(b).toEqual(batchIm.slice(row * n, (row + 1) * n));
      }
    }
  });

  test("more lengths than plans are kept", () => {
    const first = relativeError(90, false);
    for (let n = 2; n < 80; n++) fft(noise(n, n), noise(n, n), n, 1, false);
    expect(relativeError(90, false)).toBe(first);
  });

  test("an impulse gives exact ones, a constant an exact impulse", () => {
    for (const n of [6, 16, 60]) {
      const re = new Float64Array(n);
      const im = new Float64Array(n);
      re[0] = 1;
      fft(re, im, n, 1, false);
      expect(Array.from(re)).toEqual(new Array(n).fill(1));
      fft(re, im, n, 1, true);
      expect(re[0]).toBe(n);
      expect(Math.max(...re.slice(1).map(Math.abs), ...im.map(Math.abs))).toBeLessThan(1e-14);
    }
  });

  test("reads and writes nothing beyond its rows", () => {
    for (const n of [4, 7, 67]) {
      const re = new Float64Array(2 * n + 3).fill(NaN);
      const im = re.slice();
      re.fill(1, 0, 2 * n);
      im.fill(0, 0, 2 * n);
      fft(re, im, n, 2, false);
      expect(re.slice(0, 2 * n).some(Number.isNaN)).toBe(false);
      expect(re.slice(2 * n).every(Number.isNaN)).toBe(true);
    }
  });
});

test("reference numbers (R25)", () => {
  const re = Float64Array.from({ length: 8 }, (_, k) => Math.sin(k + 1));
  const im = Float64Array.from({ length: 8 }, (_, k) => Math.cos(2 * k));
  fft(re, im, 8, 1, false);
  const fourth = re.reduce((sum, v, k) => sum + (v * v + im[k] * im[k]) ** 2, 0);
  expect(fourth).toBeCloseTo(861.47915040223, 11);
  expect(re[1]).toBeCloseTo(3.25947477627296, 13);
  expect(im[1]).toBeCloseTo(1.77233956742965, 13);
});
