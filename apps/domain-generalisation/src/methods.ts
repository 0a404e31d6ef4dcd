/** The methods that are compared, with the weights of their penalties. */

import type { AlgorithmName, AlignOptions } from "@curv/hvp/domain";
import type { Part } from "./settings.js";

/** What --methods calls them, in the order of the tables. */
export const methodIds = [
  "erm",
  "coral",
  "fish",
  "irm",
  "vrex",
  "fishr",
  "iga",
  "hgp",
  "hutchinson",
  "exact-diagonal",
] as const;
export type MethodId = (typeof methodIds)[number];

export interface Method {
  readonly id: MethodId;
  readonly name: string;
  readonly algorithm: AlgorithmName | AlignOptions;
  /** Weight of the penalty after annealing. */
  readonly weight: number;
  /** Methods of the paper; the others are what it is compared with. */
  readonly ours: boolean;
}

/**
 * The weight of the authors' Coloured MNIST scripts, found for IRM by its authors. All penalties get it, as there; none was tuned on test
 * data. CORAL and Fish have scales of their own: features, not gradients.
 */
export const coloredWeight = 91257.18613115903;

const hgp: AlignOptions = { method: "hgp", detachTarget: false, reduce: "sum" };

/** Methods of the coloured experiments. Alignment sums over environments and does not detach the mean, as in the authors' scripts. */
export const coloredMethods: readonly Method[] = [
  { id: "erm", name: "ERM", algorithm: "erm", weight: 1, ours: false },
  { id: "coral", name: "CORAL", algorithm: "coral", weight: 1, ours: false },
  { id: "fish", name: "Fish", algorithm: "fish", weight: 1, ours: false },
  { id: "irm", name: "IRM", algorithm: "irm", weight: coloredWeight, ours: false },
  { id: "vrex", name: "V-REx", algorithm: "vrex", weight: coloredWeight, ours: false },
  { id: "fishr", name: "Fishr", algorithm: "fishr", weight: coloredWeight, ours: false },
  { id: "iga", name: "gradient only (IGA)", algorithm: { ...hgp, alpha: 0 }, weight: coloredWeight, ours: false },
  { id: "hgp", name: "HGP", algorithm: hgp, weight: coloredWeight, ours: true },
  {
    id: "hutchinson",
    name: "Hutchinson, 150 probes",
    algorithm: { ...hgp, method: "hutchinson" },
    weight: coloredWeight,
    ours: true,
  },
  {
    id: "exact-diagonal",
    name: "Hutchinson, exact diagonal",
    algorithm: { ...hgp, method: "exact-diagonal" },
    weight: coloredWeight,
    ours: true,
  },
];

/** Those of the label-shift experiment. */
export const labelShiftMethods: readonly Method[] = coloredMethods.filter(({ id }) =>
  ["erm", "vrex", "iga", "hgp", "exact-diagonal"].includes(id),
);

/**
 * Methods of the rotated digits, with default weights of DomainBed where it has some (IRM 100, V-REx 10, Fishr 1000, CORAL 1) and the
 * middle of the paper's ranges for alignment: α = 1e-4 and β = 5e-3 for HGP, 1e-3 and 5e-3 for Hutchinson, detached.
 */
export const rotatedMethods: readonly Method[] = [
  { id: "erm", name: "ERM", algorithm: "erm", weight: 1, ours: false },
  { id: "coral", name: "CORAL", algorithm: "coral", weight: 1, ours: false },
  { id: "fish", name: "Fish", algorithm: "fish", weight: 1, ours: false },
  { id: "irm", name: "IRM", algorithm: "irm", weight: 100, ours: false },
  { id: "vrex", name: "V-REx", algorithm: "vrex", weight: 10, ours: false },
  { id: "fishr", name: "Fishr", algorithm: "fishr", weight: 1000, ours: false },
  {
    id: "iga",
    name: "gradient only (IGA)",
    algorithm: { method: "hgp", alpha: 0, beta: 5e-3 },
    weight: 1,
    ours: false,
  },
  { id: "hgp", name: "HGP", algorithm: { method: "hgp", alpha: 1e-4, beta: 5e-3 }, weight: 1, ours: true },
  {
    id: "exact-diagonal",
    name: "Hutchinson, exact diagonal",
    algorithm: { method: "exact-diagonal", alpha: 1e-3, beta: 5e-3 },
    weight: 1,
    ours: true,
  },
];

export const methodsOf: Readonly<Record<Part, readonly Method[]>> = {
  synthetic: coloredMethods,
  colored: coloredMethods,
  "label-shift": labelShiftMethods,
  rotated: rotatedMethods,
};
