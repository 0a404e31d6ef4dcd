/** Transforms of lengths whose prime factors are all small. */

import { runStage, type Generic, type Split, type Stage } from "./stages.js";
import { unitRoot, type UnitRoot } from "./twiddles.js";

/** Prime factors above this go to Bluestein's algorithm, which is then the faster one (measured). */
export const largestRadix = 61;

export interface MixedRadixPlan {
  readonly n: number;
  readonly stages: readonly Stage[];
  /** Room between the passes. */
  readonly work: readonly [Split, Split];
}

/** Radices whose product is n, fours first; `null` if a prime factor is larger than `largestRadix`. */
export function radices(n: number): number[] | null {
  const found: number[] = [];
  let rest = n;
  for (const r of [4, 2, 3, 5]) {
    while (rest % r === 0) {
      found.push(r);
      rest /= r;
    }
  }
  for (let r = 7; r <= largestRadix && rest > 1; r += 2) {
    while (rest % r === 0) {
      found.push(r);
      rest /= r;
    }
  }
  return rest === 1 ? found : null;
}

export function split(n: number): Split {
  return { re: new Float64Array(n), im: new Float64Array(n) };
}

export function planMixedRadix(n: number, factors: readonly number[]): MixedRadixPlan {
  const stages: Stage[] = [];
  const root: UnitRoot = { cos: 1, sin: 0 };
  let s = 1;
  for (const radix of factors) {
    const m = n / (s * radix);
    const w = split(m * (radix - 1));
    for (let p = 0; p < m; p++) {
      for (let k = 1; k < radix; k++) {
        unitRoot(p * k, m * radix, root);
        w.re[(radix - 1) * p + k - 1] = root.cos;
        w.im[(radix - 1) * p + k - 1] = -root.sin;
      }
    }
    stages.push({ radix, m, s, w, generic: radix > 5 ? genericOf(radix) : null });
    s *= radix;
  }
  return { n, stages, work: [split(n), split(n)] };
}

function genericOf(radix: number): Generic {
  const roots = split(radix);
  const root: UnitRoot = { cos: 1, sin: 0 };
  for (let k = 0; k < radix; k++) {
    unitRoot(k, radix, root);
    roots.re[k] = root.cos;
    roots.im[k] = -root.sin;
  }
  const half = (radix - 1) / 2;
  return { roots, sums: split(half), differences: split(half) };
}

/** Transforms the n numbers of `x` from index `start` on, in place: out to the work space and back with the last pass. */
export function runMixedRadix(plan: MixedRadixPlan, x: Split, start: number): void {
  const { n, stages, work } = plan;
  const last = stages.length - 1;
  let from = x;
  let at = start;
  for (let k = 0; k <= last; k++) {
    const to = k === last && last > 0 ? x : work[k & 1];
    const end = to === x ? start : 0;
    runStage(stages[k], from, at, to, end);
    from = to;
    at = end;
  }
  if (last === 0) {
    for (let j = 0; j < n; j++) {
      x.re[start + j] = from.re[j];
      x.im[start + j] = from.im[j];
    }
  }
}
