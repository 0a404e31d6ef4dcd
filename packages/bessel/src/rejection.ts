/** Sampling by rejection: proposals are drawn for all samples until each of them has accepted one. */

import { customJvp, logicalAnd, logicalNot, TracingError, where, whileLoop, zeros, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";

interface State {
  readonly samples: readonly Tensor[];
  /** Who has not accepted yet. */
  readonly open: Tensor;
  readonly round: Tensor;
}

/**
 * Samples of the shapes of `start`, whose leading axes are `shape`.
 *
 * @param propose - A proposal for each, and the logarithm of the probability with which it is accepted, of the shape `shape`.
 */
export function sampleByRejection(
  key: random.Key,
  shape: readonly number[],
  start: readonly Tensor[],
  propose: (key: random.Key) => { readonly proposal: readonly Tensor[]; readonly logProbability: Tensor },
): readonly Tensor[] {
  const dtype = start[0].dtype as "float32" | "float64";
  const first: State = {
    samples: start,
    open: zeros(shape, { dtype }).equal(0),
    round: zeros([], { dtype: "int32" }),
  };
  const { samples } = whileLoop(
    ({ open }: State) => open.any(),
    ({ samples, open, round }: State) => {
      const [proposalKey, uniformKey] = random.split(random.foldIn(key, round));
      const { proposal, logProbability } = propose(proposalKey);
      const u = random.uniform(uniformKey, { shape, dtype });
      // NaN is accepted: a distribution with such parameters has samples that are NaN, and does not keep the others waiting.
      const accepted = logicalAnd(open, logicalNot(logProbability.less(u.log())));
      const next = samples.map((old, i) => {
        const rest = old.shape.slice(shape.length).map(() => 1);
        return where(accepted.reshape([...shape, ...rest]), proposal[i], old);
      });
      return { samples: next, open: logicalAnd(open, logicalNot(accepted)), round: round.add(1) };
    },
    first,
  );
  return samples;
}

/** The identity on concentrations, with a {@link TracingError} in the place of a derivative. */
export function heldFixed(what: string, remedy = `stopGradient(${what})`): (kappa: Tensor) => Tensor {
  return customJvp(
    (kappa: Tensor) => kappa,
    () => {
      throw new TracingError(
        `sample: no derivative in the ${what}, because samples are chosen by rejection; ${remedy}.`,
      );
    },
  );
}
