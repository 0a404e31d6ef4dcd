/** How much of everything a run does. */

/** The experiments, in the order in which they run. */
export const parts = ["synthetic", "colored", "label-shift", "rotated"] as const;
export type Part = (typeof parts)[number];

export interface Settings {
  readonly seed: number;
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
    /** Runs with seeds of their own. */
    readonly repeats: number;
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
  /** Steps before the penalty gets its weight, as a share of all steps: 190 of 501 in the paper's scripts. */
  readonly annealShare: number;
  /** Accuracies are measured every so many steps. */
  readonly watchEvery: number;
}

/** Numbers of the specification's reproductions: 5000 examples an environment, 4000 digits, 501 steps of the whole batch. */
export const fullSettings: Omit<Settings, "seed" | "parts"> = {
  quick: false,
  synthetic: { train: 5000, test: 4000, hidden: 32, steps: 501, learningRate: 2e-3, repeats: 2 },
  colored: { train: 4000, test: 2000, hidden: 128, steps: 501, learningRate: 1e-3 },
  rotated: { digits: 800, hidden: 64, steps: 300, learningRate: 1e-3 },
  annealShare: 190 / 501,
  watchEvery: 25,
};

/** Everything is done, with next to nothing of everything. */
export const quickSettings: Omit<Settings, "seed" | "parts"> = {
  quick: true,
  synthetic: { train: 120, test: 60, hidden: 4, steps: 12, learningRate: 2e-3, repeats: 2 },
  colored: { train: 60, test: 40, hidden: 4, steps: 6, learningRate: 1e-3 },
  rotated: { digits: 20, hidden: 4, steps: 6, learningRate: 1e-3 },
  annealShare: 0.5,
  watchEvery: 3,
};
