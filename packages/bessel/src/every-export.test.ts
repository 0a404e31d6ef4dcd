/**
 * Nonsense in place of every argument, and of every field and option, of every function that the package exports: the error is ours and names
 * the function. A function without a row here fails the test, and so does a subpath.
 */

import { isCurvError, tensor, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { describe, expect, test } from "vitest";
import manifest from "../package.json" with { type: "json" };
import * as airy from "./airy/index.js";
import * as bingham from "./bingham/index.js";
import * as cylinder from "./cylinder/index.js";
import * as exponentialIntegral from "./exponential-integral/index.js";
import * as hypergeometric from "./hypergeometric/index.js";
import * as incompleteBeta from "./incomplete-beta/index.js";
import * as incompleteGamma from "./incomplete-gamma/index.js";
import * as bessel from "./index.js";
import * as lambertW from "./lambert-w/index.js";
import * as logSpace from "./log-space/index.js";
import * as powerSpherical from "./power-spherical/index.js";
import * as spherical from "./spherical/index.js";
import * as vonMises from "./von-mises/index.js";
import * as vmf from "./von-mises-fisher/index.js";
import * as watson from "./watson/index.js";
import * as zeta from "./zeta/index.js";

const f64 = (values: number | number[] | number[][]): Tensor => tensor(values as number[], { dtype: "float64" });
const key = random.key(0);
const rows = f64([
  [1, 0, 0],
  [0.6, 0.8, 0],
  [0, 0.6, 0.8],
  [0.8, 0, 0.6],
]);
const mean = f64([1, 0, 0]);
const concentration = f64(5);
const axes = f64([
  [1, 0, 0],
  [0, 1, 0],
  [0, 0, 1],
]);
const concentrations = f64([0, -2, -5]);
const shape = [2];
const weights = f64([1, 2, 1, 1]);
const controls = { signal: new AbortController().signal, onProgress: (): void => undefined };
const onSphere = { mean, concentration };
const onCircle = { mean: f64(1), concentration };
const alongAxis = { axis: mean, concentration };
const alongAxes = { axes, concentrations };
const mixture = { weights: f64([0.5, 0.5]), means: f64([[1, 0, 0], [0, 1, 0]]), concentrations: f64([3, 5]) }; // prettier-ignore

/** The functions of a subpath, and arguments that they take; a last object that may be left out is in brackets of its own. */
type Row = readonly [args: readonly unknown[], options?: Readonly<Record<string, unknown>>];
const table: Readonly<Record<string, readonly [module: object, rows: Readonly<Record<string, Row>>]>> = {
  ".": [
    bessel,
    {
      logIv: [[1.5, 0.5], { method: "paper" }],
      logKv: [[1.5, 0.5], { method: "paper" }],
      logIve: [[1.5, 0.5]],
      logKve: [[1.5, 0.5]],
      besselRatioI: [[1.5, 0.5]],
      besselRatioK: [[1.5, 0.5]],
      inverseBesselRatioI: [[1.5, 0.5]],
      besselI: [[1.5, 0.5], { scaled: true }],
      besselK: [[1.5, 0.5], { scaled: true }],
      besselBranch: [[1.5, 0.5]],
      erfcx: [[1.5]],
      logErfc: [[1.5]],
      logNdtr: [[1.5]],
    },
  ],
  "./airy": [
    airy,
    {
      airyAi: [[1.5], { scaled: true }],
      airyBi: [[1.5], { scaled: true }],
      airyAiPrime: [[1.5], { scaled: true }],
      airyBiPrime: [[1.5], { scaled: true }],
    },
  ],
  "./cylinder": [cylinder, { besselJ: [[1.5, 0.5]], besselY: [[1.5, 0.5]] }],
  "./spherical": [
    spherical,
    {
      sphericalBesselJ: [[2, 1.5]],
      sphericalBesselY: [[2, 1.5]],
      sphericalBesselI: [[2, 1.5], { scaled: true }],
      sphericalBesselK: [[2, 1.5], { scaled: true }],
    },
  ],
  "./hypergeometric": [
    hypergeometric,
    {
      hyp0f1: [[1.5, 0.5]],
      logHyp0f1: [[1.5, 0.5]],
      hyp1f1: [[0.5, 1.5, 2]],
      logHyp1f1: [[0.5, 1.5, 2]],
      hyp1f1Ratio: [[0.5, 1.5, 2]],
      inverseHyp1f1Ratio: [[0.5, 1.5, 0.4]],
    },
  ],
  "./incomplete-gamma": [
    incompleteGamma,
    {
      gammaP: [[1.5, 0.5]],
      gammaQ: [[1.5, 0.5]],
      inverseGammaP: [[1.5, 0.5]],
      inverseGammaQ: [[1.5, 0.5]],
    },
  ],
  "./incomplete-beta": [
    incompleteBeta,
    { incompleteBeta: [[1.5, 2.5, 0.5]], inverseIncompleteBeta: [[1.5, 2.5, 0.5]] },
  ],
  "./zeta": [zeta, { zeta: [[1.5]], hurwitzZeta: [[1.5, 0.5]] }],
  "./exponential-integral": [exponentialIntegral, { expintE: [[2, 1.5]], expintEi: [[1.5]] }],
  "./lambert-w": [lambertW, { lambertW: [[1.5], { branch: 0 }] }],
  "./log-space": [logSpace, { log1mexp: [[1.5]], logAddExp: [[2.5, 1.5]], logSubExp: [[2.5, 1.5]] }],
  "./von-mises": [
    vonMises,
    {
      logProb: [[f64([1, 2]), onCircle]],
      entropy: [[onCircle]],
      kl: [[onCircle, onCircle]],
      sample: [[key, onCircle], { shape }],
      circularMean: [[f64([1, 2])]],
      fitCore: [[f64([1, 2])]],
    },
  ],
  "./von-mises-fisher": [
    vmf,
    {
      logProb: [[rows, onSphere]],
      entropy: [[onSphere]],
      kl: [[onSphere, onSphere]],
      sample: [[key, onSphere], { shape }],
      logNormalizer: [[3, concentration]],
      meanLength: [[3, concentration]],
      fit: [[rows], { method: "sra", weights }],
      fitCore: [[rows]],
      fitMixture: [[rows, 1, key], { assignment: "soft", weights, maxConcentration: 50, tol: 1e-3, maxIter: 2, ...controls }],
      mixtureLogProb: [[rows, mixture]],
    },
  ],
  "./power-spherical": [
    powerSpherical,
    { logProb: [[rows, onSphere]], entropy: [[onSphere]], sample: [[key, onSphere], { shape }] },
  ],
  "./watson": [
    watson,
    {
      logProb: [[rows, alongAxis]],
      entropy: [[alongAxis]],
      kl: [[alongAxis, alongAxis]],
      sample: [[key, alongAxis], { shape }],
      logNormalizer: [[3, concentration]],
      meanSquare: [[3, concentration]],
      fit: [[rows], { shape: "bipolar", weights }],
    },
  ],
  "./bingham": [
    bingham,
    {
      logProb: [[rows, alongAxes]],
      entropy: [[alongAxes]],
      kl: [[alongAxes, alongAxes]],
      sample: [[key, alongAxes], { shape }],
      logConstant: [[concentrations]],
      meanSquares: [[concentrations]],
      fit: [[rows], { weights, tol: 1e-3, maxIter: 2, ...controls }],
    },
  ],
}; // prettier-ignore

/** Values that are nothing that any argument takes, except where something of their kind stands. */
const nonsense: readonly (readonly [what: string, value: unknown])[] = [
  ["a string", "2"],
  ["undefined", undefined],
  ["null", null],
  ["a bigint", 3n],
  ["a function", () => 1],
  ["true", true],
  ["an array", [1.5, "a"]],
  ["an object", { a: 1 }],
  ["a symbol", Symbol("s")],
  ["a tensor of int32", tensor([1, 2], { dtype: "int32" })],
  ["NaN for a number", NaN],
];

/** Whether `value` may stand where `usual` does: NaN passes through numbers of functions, a callback is any function. */
const fits = (usual: unknown, value: unknown): boolean =>
  (typeof value === "boolean" && typeof usual === "boolean") ||
  (typeof value === "function" && typeof usual === "function");

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;

test("every subpath of the package is here", () => {
  expect(Object.keys(table).sort()).toEqual(Object.keys(manifest.exports).filter((path) => path !== "./package.json").sort()); // prettier-ignore
});

describe.each(Object.entries(table))("%s", (_, [module, calls]) => {
  const functions = Object.entries(module).filter(([, value]) => typeof value === "function");

  test("every function is here, and takes its arguments", async () => {
    expect(Object.keys(calls).sort()).toEqual(functions.map(([name]) => name).sort());
    for (const [name, f] of functions) {
      const [args, options] = calls[name];
      await f(...args);
      if (options !== undefined) await f(...args, options);
    }
  });

  test.each(functions)("%s refuses nonsense", async (name, f) => {
    const [args, options] = calls[name];
    const refuses = async (where: string, given: readonly unknown[]): Promise<void> => {
      let error: unknown;
      try {
        await f(...given);
      } catch (thrown) {
        error = thrown;
      }
      expect
        .soft(isCurvError(error), `${name}: ${where}: ${error === undefined ? "was taken" : String(error)}`)
        .toBe(true);
      if (error !== undefined) expect.soft(String(error), `${name}: ${where}`).toContain(name);
    };
    for (const [what, value] of nonsense) {
      const number = what === "NaN for a number";
      for (const [i, usual] of args.entries()) {
        const put = (instead: unknown): readonly unknown[] => args.map((arg, j) => (j === i ? instead : arg));
        if (!number) await refuses(`${what} as argument ${i}`, put(value));
        if (!isRecord(usual)) continue;
        for (const field of Object.keys(usual))
          await refuses(`${what} as ${field} of argument ${i}`, put({ ...usual, [field]: value }));
      }
      if (options === undefined) continue;
      if (value !== undefined && !number && !isRecord(value)) await refuses(`${what} as options`, [...args, value]);
      for (const [option, usual] of Object.entries(options)) {
        if (value === undefined || fits(usual, value) || (number && typeof usual !== "number")) continue;
        await refuses(`${what} as option ${option}`, [...args, { ...options, [option]: value }]);
      }
    }
  });
});
