/** Plans (twiddles and work space) for each length, the latest ones kept. */

import { planBluestein, runBluestein, type BluesteinPlan } from "./bluestein.js";
import { planMixedRadix, radices, runMixedRadix, type MixedRadixPlan } from "./mixed-radix.js";
import type { Split } from "./stages.js";

export interface FftPlan {
  readonly n: number;
  /** Forward transform of the n numbers of `x` from index `start` on, in place. */
  run(x: Split, start: number): void;
}

const maxPlans = 32;
/** A plan takes about 48 bytes a point (Bluestein: 6 times that): 100 MB at most, in all. */
const maxPoints = 1 << 21;

// Insertion order of a Map = order of last use, because a plan that is used is inserted again.
const plans: Map<number, FftPlan> = /* @__PURE__ */ new Map();
let points = 0;
let latest: FftPlan | null = null;

export function planFor(n: number): FftPlan {
  if (latest !== null && latest.n === n) return latest;
  latest = findPlan(n);
  return latest;
}

function findPlan(n: number): FftPlan {
  const known = plans.get(n);
  if (known !== undefined) {
    plans.delete(n);
    plans.set(n, known);
    return known;
  }
  const plan = makePlan(n);
  plans.set(n, plan);
  points += n;
  for (const oldest of plans.keys()) {
    if (oldest === n || (plans.size <= maxPlans && points <= maxPoints)) break;
    plans.delete(oldest);
    points -= oldest;
  }
  return plan;
}

function makePlan(n: number): FftPlan {
  const factors = radices(n);
  if (factors === null) {
    const plan: BluesteinPlan = planBluestein(n);
    return { n, run: (x, start) => runBluestein(plan, x, start) };
  }
  const plan: MixedRadixPlan = planMixedRadix(n, factors);
  return { n, run: (x, start) => runMixedRadix(plan, x, start) };
}
