/** Algorithms of domain generalisation by name: a penalty that is added to the mean loss, perhaps with a memory of earlier steps. */

import { expectArguments } from "@curv/linsolve";
import { DomainError, zeros, type FloatDType, type Tensor } from "@curv/tensor";
import type { Key } from "@curv/tensor/random";
import { alignHeads, checkOptions, type AlignOptions } from "./alignment.js";
import { coralPenalty, igaPenalty, irmPenalty, vrexPenalty } from "./baselines.js";
import { fishrPenalty } from "./fishr.js";
import type { EnvironmentView } from "./view.js";

/** What a penalty's memory is made for. */
export interface PenaltySetting {
  /** E. */
  readonly environments: number;
  /** D. */
  readonly headSize: number;
  readonly dtype: FloatDType;
}

/**
 * A penalty for {@link trainDomains}, traceable and without side effects.
 *
 * @typeParam S - Tree of tensors that is remembered from step to step; null for nothing.
 */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the memory is only passed on; unknown would not accept any penalty.
export interface DomainPenalty<S = any> {
  readonly name: string;
  /** The memory before the first step. */
  readonly init: (setting: PenaltySetting) => S;
  /** The penalty R, a scalar that is 0 or more where the environments are aligned, and the memory after it. `key` is the step's own. */
  readonly apply: (
    views: readonly EnvironmentView[],
    state: S,
    key: Key,
  ) => { readonly penalty: Tensor; readonly state: S };
}

/** Algorithms that the trainer knows by name. `erm` is the mean loss alone; `fish` is no penalty but another kind of step. */
export type AlgorithmName = "erm" | "coral" | "irm" | "vrex" | "iga" | "fishr" | "fish";

/** A penalty without a memory. */
export function statelessPenalty(
  name: string,
  f: (views: readonly EnvironmentView[], key: Key) => Tensor,
): DomainPenalty<null> {
  expectArguments("statelessPenalty", { f: [f, "function"] });
  return { name, init: () => null, apply: (views, state, key) => ({ penalty: f(views, key), state }) };
}

/** Fishr with its moving averages as memory. */
export function fishr(decay = 0.95): DomainPenalty<Tensor> {
  return {
    name: "fishr",
    init: ({ environments, headSize, dtype }) => zeros([environments, headSize], { dtype }),
    apply: (views, averages) => {
      const { penalty, averages: state } = fishrPenalty(views, { averages, decay });
      return { penalty, state };
    },
  };
}

/** Alignment of gradients and curvature. Hutchinson's probes are drawn anew in each step, unless the options hold a key. */
export function aligned(options: AlignOptions): DomainPenalty<null> {
  expectArguments("aligned", { options: [options, "options"] });
  return statelessPenalty(
    options.method,
    (views, key) =>
      alignHeads(
        views.map(({ head }) => head),
        { key, ...options },
      ).penalty,
  );
}

/** The penalty that is meant. */
export function penaltyOf(
  algorithm: Exclude<AlgorithmName, "fish"> | AlignOptions | DomainPenalty,
  caller: string,
): DomainPenalty {
  if (typeof algorithm === "object") {
    expectArguments(caller, { algorithm: [algorithm, "object"] });
    if ("apply" in algorithm) return algorithm;
    if (!("method" in algorithm)) {
      throw new DomainError(
        `${caller}: algorithm has neither apply nor method; wants a penalty, or options of alignment.`,
      );
    }
    checkOptions(algorithm, caller, false);
    return aligned(algorithm);
  }
  switch (algorithm) {
    case "erm":
      return statelessPenalty("erm", (views) => views[0].nll.mul(0));
    case "coral":
      return statelessPenalty("coral", coralPenalty);
    case "irm":
      return statelessPenalty("irm", irmPenalty);
    case "vrex":
      return statelessPenalty("vrex", vrexPenalty);
    case "iga":
      return statelessPenalty("iga", igaPenalty);
    case "fishr":
      return fishr();
    default: {
      const known = "erm, coral, irm, vrex, iga, fishr, fish";
      throw new DomainError(`${caller}: algorithm is "${String(algorithm)}"; wants one of ${known}, or options.`);
    }
  }
}
