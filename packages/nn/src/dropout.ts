/** Dropout. */

import { TreeError, where } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { checkInput, checkFraction } from "./arguments.js";
import { stateless, type Stateless } from "./layer.js";

export interface DropoutOptions {
  /** Probability, in [0, 1), with which an element is dropped in training. */
  readonly rate: number;
}

export interface Dropout extends Stateless<null> {
  readonly name: "dropout";
  readonly options: DropoutOptions;
}

/**
 * In training each element is 0 with probability `rate` and divided by 1 − rate otherwise, so that its mean is kept; in evaluation the
 * identity. The mask is a function of `key`: the same key gives the same function of the parameters, to be differentiated twice.
 *
 * @throws TreeError in training without a key.
 * Source: Srivastava, Hinton, Krizhevsky, Sutskever & Salakhutdinov, Dropout (2014), in its inverted form.
 */
export function dropout(options: DropoutOptions): Dropout {
  const { rate } = options;
  checkFraction(rate, "dropout", "rate");
  return {
    name: "dropout",
    options,
    init: () => null,
    ...stateless((_params: null, x, { train = false, key }) => {
      checkInput(x, "dropout");
      if (!train || rate === 0) return x;
      if (key === undefined) throw new TreeError("dropout: key is missing; training wants {train: true, key}.");
      const kept = random.bernoulli(key, 1 - rate, { shape: x.shape });
      return where(kept, x.div(1 - rate), 0);
    }),
  };
}
