/** How much of everything a run does. */

export interface Settings {
  readonly seed: number;
  /** Whether this is the short run for tests, whose numbers mean little. */
  readonly quick: boolean;
  readonly trainingDigits: number;
  readonly heldOutDigits: number;
  /** Units of the MLP's hidden layer. */
  readonly hidden: number;
  readonly epochs: { readonly mlp: number; readonly cnn: number };
  /** Adam's learning rates at the start. */
  readonly rates: { readonly mlp: number; readonly cnn: number };
  /** Digits over which the Hessian's loss is averaged. */
  readonly curvatureDigits: { readonly mlp: number; readonly cnn: number };
  /** Probes of Hutchinson's estimator. */
  readonly probes: { readonly mlp: number; readonly cnn: number };
  /** Hessian-vector products of a power iteration, at most. */
  readonly maxIter: number;
  readonly stability: {
    readonly digits: number;
    readonly steps: number;
    readonly gradientTol: number;
    /** Steps of L-BFGS, at most. */
    readonly maxIter: number;
    readonly rateTol: number;
  };
}

export const fullSettings: Omit<Settings, "seed"> = {
  quick: false,
  trainingDigits: 8000,
  heldOutDigits: 2000,
  hidden: 48,
  epochs: { mlp: 14, cnn: 12 },
  rates: { mlp: 6e-3, cnn: 8e-3 },
  curvatureDigits: { mlp: 1000, cnn: 512 },
  probes: { mlp: 100, cnn: 40 },
  maxIter: 100,
  stability: { digits: 1000, steps: 200, gradientTol: 5e-4, maxIter: 600, rateTol: 0.007 },
};

/** Everything is done, with little of everything: seconds instead of minutes. */
export const quickSettings: Omit<Settings, "seed"> = {
  quick: true,
  trainingDigits: 1000,
  heldOutDigits: 400,
  hidden: 12,
  epochs: { mlp: 3, cnn: 2 },
  rates: { mlp: 6e-3, cnn: 8e-3 },
  curvatureDigits: { mlp: 200, cnn: 32 },
  probes: { mlp: 20, cnn: 10 },
  maxIter: 20,
  stability: { digits: 100, steps: 60, gradientTol: 5e-3, maxIter: 100, rateTol: 0.05 },
};
