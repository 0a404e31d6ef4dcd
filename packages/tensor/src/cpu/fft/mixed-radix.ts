/** Transforms of lengths whose prime factors are all small. */

import { runStage, type Split, type Stage } from "./stages.js";
import { unitRoot, type UnitRoot } from "./twiddles.js";

/** Prime factors above this go to Bluestein's algorithm, which is then the faster one (measured). */
export const largestRadix = 61;

export interface MixedRadixPlan {
  readonly n: number;
  readonly stages: readonly Stage[];
  /** Room for the passes to go back and forth; two of them, so that a row can be read from and written to a big array. */
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
    stages.push({ radix, m, s, w, roots: radix > 5 ? rootsOf(radix) : null });
    s *= radix;
  }
  return { n, stages, work: [split(n), split(n)] };
}

function rootsOf(radix: number): Split {
  const roots = split(radix);
  const root: UnitRoot = { cos: 1, sin: 0 };
  for (let k = 0; k < radix; k++) {
    unitRoot(k, radix, root);
    roots.re[k] = root.cos;
    roots.im[k] = -root.sin;
  }
  return roots;
}

/** Transforms `x` in place. */
export function runMixedRadix(plan: MixedRadixPlan, x: Split): void {
  let from = x;
  let to = plan.work[0];
  for (const stage of plan.stages) {
    runStage(stage, from, to);
    const next = from === x ? plan.work[1] : from;
    from = to;
    to = next;
  }
  if (from !== x) {
    x.re.set(from.re);
    x.im.set(from.im);
  }
}
