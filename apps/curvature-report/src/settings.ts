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
  /** Hessian-vector products for the largest eigenvalues, at most. */
  readonly maxIter: number;
  /** Lanczos runs and their steps, for the spectral density. */
  readonly density: { readonly probes: number; readonly steps: number };
  /** Points along each direction of the loss surface. */
  readonly surfacePoints: number;
  /** Batch sizes whose largest learning rates are measured, and the steps of each run. */
  readonly batchRates: { readonly batches: readonly number[]; readonly steps: number };
  /** ResNet-20: how many digits it learns from and its curvature is averaged over; null to leave it out. */
  readonly resnet: {
    readonly trainingDigits: number;
    readonly epochs: number;
    readonly digits: number;
    readonly probes: number;
  } | null;
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
  maxIter: 200,
  density: { probes: 4, steps: 48 },
  surfacePoints: 21,
  batchRates: { batches: [4, 16, 64, 256], steps: 60 },
  resnet: null,
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
  maxIter: 40,
  density: { probes: 2, steps: 12 },
  surfacePoints: 5,
  batchRates: { batches: [8, 64], steps: 10 },
  resnet: null,
  stability: { digits: 100, steps: 60, gradientTol: 5e-3, maxIter: 100, rateTol: 0.05 },
};

/** With --resnet. */
export const resnetSettings: NonNullable<Settings["resnet"]> = {
  trainingDigits: 2000,
  epochs: 6,
  digits: 64,
  probes: 16,
};

export const quickResnetSettings: NonNullable<Settings["resnet"]> = {
  trainingDigits: 100,
  epochs: 1,
  digits: 8,
  probes: 4,
};
