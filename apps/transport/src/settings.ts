/** What a run does, and how much of it. */

import type { ClockKind } from "./clock.js";
import { planKinds, type PlanKind } from "./colour-map.js";

export type Part = "colour" | "morph" | "convergence";

export const parts: readonly Part[] = ["colour", "morph", "convergence"];

export interface ColourSettings {
  /** Paths; null for the generated landscapes. */
  readonly files: { readonly source: string; readonly target: string } | null;
  /** Width of the generated landscapes. */
  readonly width: number;
  readonly palette: "kmeans" | "sample";
  /** Colours of a palette. */
  readonly colours: number;
  readonly plans: readonly PlanKind[];
  /** Shares of the mean squared distance between the palettes. */
  readonly epsilon: number;
  readonly rho: number;
}

export interface MorphSettings {
  /** Points of each cloud. */
  readonly points: number;
  /** Which digits; the seed decides which of the package's thousand of each. */
  readonly digits: readonly [number, number];
  /** Pictures of a morph, both ends included. */
  readonly frames: number;
  /** ε of the barycentres, in units of the pictures' squared side. */
  readonly epsilon: number;
  /** Allowed error of the barycentres' marginals, as a share of the mass. */
  readonly tol: number;
}

export interface ConvergenceSettings {
  /** Random assignment costs: points on each side, and η. */
  readonly assignment: { readonly n: number; readonly eta: number };
  /** Pairs of digits. */
  readonly pairs: readonly (readonly [number, number])[];
  readonly digitEta: number;
  /** Sinkhorn's sweeps, at most. */
  readonly sweeps: number;
  readonly clock: ClockKind;
  /** The same costs with more points, for Sinkhorn-Newton-Sparse; null to leave it out. */
  readonly large: number | null;
}

export interface Settings {
  readonly seed: number;
  /** Whether this is the short run, which promises nothing. */
  readonly quick: boolean;
  readonly parts: readonly Part[];
  readonly colour: ColourSettings;
  readonly morph: MorphSettings;
  readonly convergence: ConvergenceSettings;
}

/** What options leave to the kind of run. */
export type Defaults = Omit<Settings, "seed" | "parts">;

export const fullSettings: Defaults = {
  quick: false,
  colour: { files: null, width: 720, palette: "kmeans", colours: 256, plans: planKinds, epsilon: 0.02, rho: 1 },
  morph: { points: 500, digits: [2, 7], frames: 25, epsilon: 0.0015, tol: 1e-4 },
  convergence: {
    assignment: { n: 500, eta: 1200 },
    pairs: [
      [0, 1],
      [2, 7],
      [3, 8],
      [4, 9],
      [5, 6],
    ],
    digitEta: 1200,
    sweeps: 20_000,
    clock: "wall",
    large: null,
  },
};

/** Everything is done, with little of everything: seconds instead of minutes. */
export const quickSettings: Defaults = {
  quick: true,
  colour: { ...fullSettings.colour, width: 180, colours: 48 },
  morph: { ...fullSettings.morph, points: 120, frames: 5, tol: 1e-3 },
  convergence: { ...fullSettings.convergence, assignment: { n: 100, eta: 300 }, pairs: [[2, 7]], sweeps: 2000 },
};

/** Points on each side with --large. */
export const largeSizes = { full: 1500, quick: 150 } as const;
