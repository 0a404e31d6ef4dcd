/** What a run does, and how much of it. */

export interface Counts {
  /** Digits that the mixture is fitted to. */
  readonly train: number;
  /** Digits, and pictures of each other kind, that it is asked about. */
  readonly test: number;
}

export interface Settings {
  readonly seed: number;
  /** Whether this is the short run, which promises nothing. */
  readonly quick: boolean;
  /** Components of the mixtures of digits. */
  readonly components: number;
  /** Starting points of each mixture; the likeliest end is kept. */
  readonly starts: number;
  readonly pixels: Counts;
  readonly features: Counts;
  /** Dimensions of the features and of the known mixtures; all even. */
  readonly dimensions: readonly number[];
  /** Rows of each component of the known mixtures. */
  readonly knownRows: number;
  /** Timed fits in each dimension, of which the median is told. */
  readonly repeats: number;
}

/** What options leave to the kind of run. */
export type Defaults = Omit<Settings, "seed">;

export const fullSettings: Defaults = {
  quick: false,
  components: 20,
  starts: 3,
  pixels: { train: 4000, test: 1000 },
  features: { train: 600, test: 300 },
  dimensions: [2048, 8192, 32768],
  knownRows: 50,
  repeats: 15,
};

/** Everything is done, with little of everything: seconds instead of a minute. */
export const quickSettings: Defaults = {
  quick: true,
  components: 6,
  starts: 1,
  pixels: { train: 300, test: 60 },
  features: { train: 120, test: 40 },
  dimensions: [512, 2048],
  knownRows: 20,
  repeats: 3,
};
