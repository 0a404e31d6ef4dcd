/** How much of everything a run does. */

import type { MethodId } from "./methods.js";

/** The experiments, in the order in which they run. */
export const parts = ["synthetic", "colored", "label-shift", "rotated"] as const;
export type Part = (typeof parts)[number];

export interface Settings {
  readonly seed: number;
  /** Methods by their ids; those that an experiment does not have are passed over. */
  readonly methods: readonly MethodId[];
  readonly parts: readonly Part[];
  /** Whether this is the short run for tests, whose numbers mean nothing. */
  readonly quick: boolean;
  readonly synthetic: {
    /** Examples of each training environment, and of the test environment. */
    readonly train: number;
    readonly test: number;
    readonly hidden: number;
    readonly steps: number;
    readonly learningRate: number;
  };
  readonly colored: {
    /** Digits of each training environment, and of the test environment. */
    readonly train: number;
    readonly test: number;
    readonly hidden: number;
    readonly steps: number;
    readonly learningRate: number;
  };
  readonly rotated: {
    /** Digits of each angle. */
    readonly digits: number;
    readonly hidden: number;
    readonly steps: number;
    readonly learningRate: number;
  };
  /** Trainings of each method: restart r is what a run with the seed `seed + r` does, so that all methods see the same data and start alike. */
  readonly restarts: Readonly<Record<Part, number>>;
  /** Steps before the penalty gets its weight, as a share of all steps: 190 of 501 in the paper's scripts. */
  readonly annealShare: number;
  /** Accuracies are measured every so many steps. */
  readonly watchEvery: number;
}

/** Numbers of the specification's reproductions: 5000 examples an environment, 4000 digits, 501 steps of the whole batch. */
export const fullSettings: Omit<Settings, "seed" | "parts" | "methods"> = {
  quick: false,
  synthetic: { train: 5000, test: 4000, hidden: 32, steps: 501, learningRate: 2e-3 },
  colored: { train: 4000, test: 2000, hidden: 128, steps: 501, learningRate: 1e-3 },
  rotated: { digits: 800, hidden: 64, steps: 300, learningRate: 1e-3 },
  restarts: { synthetic: 2, colored: 1, "label-shift": 1, rotated: 1 },
  annealShare: 190 / 501,
  watchEvery: 25,
};

/** Everything is done, with next to nothing of everything. */
export const quickSettings: Omit<Settings, "seed" | "parts" | "methods"> = {
  quick: true,
  synthetic: { train: 120, test: 60, hidden: 4, steps: 12, learningRate: 2e-3 },
  colored: { train: 60, test: 40, hidden: 4, steps: 6, learningRate: 1e-3 },
  rotated: { digits: 20, hidden: 4, steps: 6, learningRate: 1e-3 },
  restarts: { synthetic: 2, colored: 1, "label-shift": 1, rotated: 1 },
  annealShare: 0.5,
  watchEvery: 3,
};

/** The same number of restarts in all experiments. */
export function everywhere(restarts: number): Settings["restarts"] {
  return { synthetic: restarts, colored: restarts, "label-shift": restarts, rotated: restarts };
}
