/** Barycentres of spaces: the distances (and features) of a space that is near to several others in the Gromov–Wasserstein sense. */

import { DomainError, jit, ShapeError, type Tensor } from "@curv/tensor";
import {
  checkCount,
  checkEqualMass,
  checkFloats,
  checkNumber,
  checkSameDType,
  checkWeights,
  evenWeights,
  formatShape,
} from "./arguments.js";
import { costMatrix } from "./cost.js";
import { breathe, type Driver } from "./driver.js";
import { gromovWassersteinCore } from "./gromov.js";

/** A space with a measure: distances between its n points, their weights, and what is known of each. */
export interface GromovSpace {
  /** Distances or similarities, symmetric, [n, n]. */
  readonly C: Tensor;
  /** Weights ≥ 0, [n]. Default even, of sum 1. */
  readonly weights?: Tensor;
  /** Features, [n, d]: all spaces have them, or none. */
  readonly features?: Tensor;
}

export interface GromovBarycenterProgress {
  readonly iterations: number;
  /** Σ λ of the (fused) Gromov–Wasserstein costs, without entropy, before the update: with exact plans it never grows. */
  readonly cost: number;
  /** Change of the distances and the features in the update, in the Frobenius norm. */
  readonly residual: number;
}

export interface GromovBarycenterOptions extends Driver<GromovBarycenterProgress> {
  /** Weights λ of the spaces. Default even. */
  readonly shares?: readonly number[];
  /** `"square"` (default) or `"kl"`, see {@link gromovWasserstein}. */
  readonly loss?: "square" | "kl";
  /** Weight of the structure in [0, 1] beside squared distances of features. Default 1 without features, ½ with them. */
  readonly alpha?: number;
  /** Entropic plans of this ε; default exact ones. */
  readonly epsilon?: number;
  /** Distances that are given and stay: only the features are looked for. Default false. */
  readonly fixedStructure?: boolean;
  /** Features that are given and stay. Default false. */
  readonly fixedFeatures?: boolean;
  /** Allowed change of an update. Default 1e-9, in float32 1e-5. */
  readonly tol?: number;
  /** Default 100. */
  readonly maxIter?: number;
}

export interface GromovBarycenterResult {
  /** Distances of the barycentre, [k, k]. */
  readonly C: Tensor;
  /** Its features, [k, d]; null without them. */
  readonly features: Tensor | null;
  /** Plans from the barycentre to each space, [k, n]. */
  readonly plans: readonly Tensor[];
  /** Σ λ of the costs, before the last update. */
  readonly cost: number;
  readonly converged: boolean;
  readonly status: "converged" | "max-iterations";
  readonly iterations: number;
  readonly residual: number;
  readonly history: readonly GromovBarycenterProgress[];
}

interface Space {
  readonly C: Tensor;
  readonly features: Tensor | null;
  readonly share: number;
  /** The plan from given distances and features, starting from another plan. */
  readonly solve: (C: Tensor, features: Tensor | null, from: Tensor) => { plan: Tensor; value: Tensor };
}

/**
 * The space of k points that minimises Σ λ GW(space, spaceₛ) (with features: the fused cost), by turns: plans to all spaces, each from the
 * one before; then the distances, Σ λ T Cₛ Tᵀ / (p pᵀ) (`"kl"`: its exponential of logarithms), and the features, Σ λ T Yₛ / p. A local
 * optimum, that depends on the start.
 *
 * Equals POT's `gromov_barycenters` and `fgw_barycenters` with `warmstartT`, with `epsilon` their entropic forms.
 *
 * @param start - Where it starts: distances [k, k], and weights and features of the barycentre.
 * @throws ShapeError, DTypeError, DomainError for arguments that do not fit, NaN, infinities, different masses.
 * Source: Peyré, Cuturi & Solomon, Gromov–Wasserstein averaging of kernel and distance matrices (2016), prop. 3 and 4; fused: Vayer et al.
 * (2019), §4.
 *
 * @example
 * const { C } = await gromovBarycenter([{ C: D1 }, { C: D2 }], { C: D1 });
 */
export async function gromovBarycenter(
  spaces: readonly GromovSpace[],
  start: GromovSpace,
  options: GromovBarycenterOptions = {},
): Promise<GromovBarycenterResult> {
  const name = "gromovBarycenter";
  const { tol = start.C.dtype === "float32" ? 1e-5 : 1e-9, maxIter = 100, loss = "square" } = options;
  const { fixedStructure = false, fixedFeatures = false } = options;
  checkCount(maxIter, name, "maxIter");
  checkNumber(tol, name, "tol", { low: 0, closed: true });
  const p = weightsOf(start, "start", name);
  if (await p.equal(0).any().item()) throw new DomainError(`${name}: start.weights has zeros; wants weights > 0.`);
  const all = checkedSpaces(spaces, start, p, options, name);
  const history: GromovBarycenterProgress[] = [];
  let [C, features] = [start.C, start.features ?? null];
  let plans = spaces.map((space, k) =>
    p
      .expandDims(1)
      .mul(weightsOf(space, `spaces[${k}]`, name))
      .div(p.sum()),
  );
  let [iterations, residual, cost] = [0, Infinity, NaN];
  while (residual > tol && iterations < maxIter) {
    const solved = all.map(({ solve }, k) => solve(C, features, plans[k]));
    plans = solved.map(({ plan }) => plan);
    cost = await sum(solved.map(({ value }, k) => value.mul(all[k].share))).item();
    const next = fixedStructure ? C : structure(all, plans, p, loss);
    const moved = features === null || fixedFeatures ? features : featuresOf(all, plans, p);
    const change = next.sub(C).square().sum();
    const whole = moved === null ? change : change.add(moved.sub(features!).square().sum());
    residual = await whole.sqrt().item();
    [C, features] = [next, moved];
    history.push({ iterations: ++iterations, cost, residual });
    await breathe(options, history[history.length - 1]);
  }
  const converged = residual <= tol;
  const status = converged ? "converged" : "max-iterations";
  return { C, features, plans, cost, converged, status, iterations, residual, history };
}

const sum = (terms: readonly Tensor[]): Tensor => terms.reduce((s, t) => s.add(t));

/** The distances that are best for these plans. */
function structure(spaces: readonly Space[], plans: readonly Tensor[], p: Tensor, loss: "square" | "kl"): Tensor {
  const inner = (C: Tensor): Tensor => (loss === "square" ? C : C.maximum(1e-16).log());
  const terms = spaces.map(({ C, share }, k) => plans[k].matmul(inner(C)).matmul(plans[k].T).mul(share));
  const mean = sum(terms).div(p.expandDims(1).mul(p));
  return loss === "square" ? mean : mean.exp();
}

function featuresOf(spaces: readonly Space[], plans: readonly Tensor[], p: Tensor): Tensor {
  return sum(spaces.map(({ features, share }, k) => plans[k].matmul(features!).mul(share))).div(p.expandDims(1));
}

function weightsOf({ C, weights }: GromovSpace, argument: string, name: string): Tensor {
  checkFloats(C, 2, name, `${argument}.C`);
  const w = weights ?? evenWeights(C);
  checkWeights(w, C.shape[0], name, `${argument}.weights`);
  checkSameDType([C, w], name);
  return w;
}

function checkedSpaces(
  spaces: readonly GromovSpace[],
  start: GromovSpace,
  p: Tensor,
  { shares, loss, alpha, epsilon }: GromovBarycenterOptions,
  name: string,
): Space[] {
  if (spaces.length === 0) throw new ShapeError(`${name}: spaces is empty; wants at least one.`);
  const lambda = shares ?? spaces.map(() => 1);
  const total = lambda.reduce((s, x) => s + x, 0);
  if (lambda.length !== spaces.length || !lambda.every((s) => s >= 0) || !(total > 0)) {
    throw new DomainError(`${name}: shares is [${lambda.join(", ")}]; wants ${spaces.length} numbers >= 0.`);
  }
  return spaces.map((space, k) => {
    const { C, features } = space;
    const q = weightsOf(space, `spaces[${k}]`, name);
    checkSameDType([start.C, C], name);
    checkEqualMass(p, q, name);
    if ((features === undefined) !== (start.features === undefined)) {
      throw new ShapeError(`${name}: spaces[${k}] or start alone has features; wants them of all, or of none.`);
    }
    for (const [argument, points, n] of [
      [`spaces[${k}]`, features, C.shape[0]],
      ["start", start.features, start.C.shape[0]],
    ] as const) {
      if (points === undefined) continue;
      checkFloats(points, 2, name, `${argument}.features`);
      checkSameDType([C, points], name);
      if (points.shape[0] === n && points.shape[1] === features!.shape[1]) continue;
      const wanted = formatShape([n, features!.shape[1]]);
      throw new ShapeError(`${name}: ${argument}.features has shape ${formatShape(points.shape)}; wants ${wanted}.`);
    }
    const objective = {
      ...(loss === undefined ? {} : { loss }),
      ...(alpha === undefined ? {} : { alpha }),
      ...(epsilon === undefined ? {} : { epsilon }),
    };
    // Compiled once for all updates.
    const solve = jit((D: Tensor, X: Tensor | null, from: Tensor) => {
      const fused = X === null ? {} : { features: costMatrix({ x: X, y: features! }) };
      const { plan, value } = gromovWassersteinCore(D, C, p, q, { ...objective, ...fused, init: from });
      return { plan, value };
    });
    return { C, features: features ?? null, share: lambda[k] / total, solve };
  });
}
