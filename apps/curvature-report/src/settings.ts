/** How much of everything a run does. */

/** How one network is trained, and how much of its curvature is measured. */
export interface Study {
  /** How many of the digits to learn from it sees. */
  readonly trainingDigits: number;
  readonly epochs: number;
  /** Digits in a batch. */
  readonly batchSize: number;
  /** Adam's learning rate at the start. */
  readonly rate: number;
  /** Digits on which λ_max is followed from epoch to epoch. */
  readonly sharpnessDigits: number;
  /** Digits over which the Hessian's loss is averaged. */
  readonly curvatureDigits: number;
  /** Probes of Hutchinson's estimator. */
  readonly probes: number;
  /** Lanczos runs and their steps, for the spectral density. */
  readonly density: { readonly probes: number; readonly steps: number };
  /** Points along each direction of the loss surface, odd. */
  readonly surfacePoints: number;
  /** Batch sizes whose largest learning rates are measured, and the steps of each run. */
  readonly batchRates: { readonly batches: readonly number[]; readonly steps: number };
}

/** The networks by their names on the command line. */
export type Architecture = "mlp" | "cnn" | "resnet20";

export interface Settings {
  readonly seed: number;
  /** Whether this is the short run for tests, whose numbers mean little. */
  readonly quick: boolean;
  readonly trainingDigits: number;
  readonly heldOutDigits: number;
  /** Units of the MLP's hidden layer. */
  readonly hidden: number;
  /** Hessian-vector products for the largest eigenvalues, at most. */
  readonly maxIter: number;
  /** Networks that are trained, in this order. */
  readonly trained: readonly Architecture[];
  readonly studies: Readonly<Record<Architecture, Study>>;
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
  maxIter: 200,
  trained: ["mlp", "cnn"],
  studies: {
    mlp: {
      trainingDigits: 8000,
      epochs: 14,
      batchSize: 50,
      rate: 6e-3,
      sharpnessDigits: 200,
      curvatureDigits: 1000,
      probes: 100,
      density: { probes: 4, steps: 48 },
      surfacePoints: 21,
      batchRates: { batches: [4, 16, 64, 256], steps: 60 },
    },
    cnn: {
      trainingDigits: 8000,
      epochs: 12,
      batchSize: 50,
      rate: 8e-3,
      sharpnessDigits: 200,
      curvatureDigits: 512,
      probes: 40,
      density: { probes: 4, steps: 48 },
      surfacePoints: 21,
      batchRates: { batches: [4, 16, 64, 256], steps: 60 },
    },
    // A product with its Hessian costs far more than the MLP's: fewer digits, so that it takes minutes and not an hour.
    resnet20: {
      trainingDigits: 4000,
      epochs: 6,
      batchSize: 25,
      rate: 6e-3,
      sharpnessDigits: 64,
      curvatureDigits: 128,
      probes: 16,
      density: { probes: 2, steps: 24 },
      surfacePoints: 13,
      batchRates: { batches: [4, 16, 64], steps: 30 },
    },
  },
  stability: { digits: 1000, steps: 200, gradientTol: 5e-4, maxIter: 600, rateTol: 0.007 },
};

const quickStudy: Study = {
  trainingDigits: 1000,
  epochs: 3,
  batchSize: 50,
  rate: 6e-3,
  sharpnessDigits: 200,
  curvatureDigits: 200,
  probes: 20,
  density: { probes: 2, steps: 12 },
  surfacePoints: 5,
  batchRates: { batches: [8, 64], steps: 10 },
};

/** Everything is done, with little of everything: seconds instead of minutes. */
export const quickSettings: Omit<Settings, "seed"> = {
  quick: true,
  trainingDigits: 1000,
  heldOutDigits: 400,
  hidden: 12,
  maxIter: 40,
  trained: ["mlp", "cnn"],
  studies: {
    mlp: quickStudy,
    cnn: {
      ...quickStudy,
      epochs: 2,
      rate: 8e-3,
      curvatureDigits: 32,
      probes: 10,
      batchRates: { batches: [4, 16], steps: 5 },
    },
    resnet20: {
      ...quickStudy,
      trainingDigits: 100,
      epochs: 1,
      rate: 1e-2,
      sharpnessDigits: 8,
      curvatureDigits: 16,
      probes: 4,
      density: { probes: 1, steps: 8 },
      batchRates: { batches: [4], steps: 3 },
    },
  },
  stability: { digits: 100, steps: 60, gradientTol: 5e-3, maxIter: 100, rateTol: 0.05 },
};
