/** Multilayer perceptrons. */

import { DomainError } from "@curv/tensor";
import { activation as activationLayer, activationFunction, type ActivationFunction } from "./activation.js";
import { checkFraction, checkSize } from "./arguments.js";
import { dense, type DenseParams } from "./dense.js";
import { dropout as dropoutLayer } from "./dropout.js";
import { hiddenInit } from "./hidden-init.js";
import type { Initializer } from "./init/initializer.js";
import { lecun } from "./init/variance-scaling.js";
import type { Layer } from "./layer.js";
import { sequential, type Sequential } from "./sequential.js";

export interface MlpOptions {
  /** Number of features: of the input, of each hidden layer, of the output. */
  readonly sizes: readonly number[];
  /** After each hidden layer. Default "relu". */
  readonly activation?: ActivationFunction;
  /** Rate of dropout after each hidden activation. Default 0: no dropout layers. */
  readonly dropout?: number;
  /** Whether layers have a bias. Default true. */
  readonly bias?: boolean;
  /** Of hidden layers. Default `init.he()` before rectifiers ("relu", "gelu", …), else `init.lecun()`. The last layer has the latter. */
  readonly weightInit?: Initializer;
}

export type Mlp = Sequential<readonly Layer<DenseParams | null, null>[]>;

/**
 * Dense layers with activations between them: [..., sizes[0]] to [..., sizes.at(-1)].
 *
 * @throws DomainError for fewer than two sizes, or a size that is no positive integer.
 *
 * @example
 * const model = mlp({ sizes: [784, 64, 64, 10], activation: "tanh" });
 */
export function mlp(options: MlpOptions): Mlp {
  const { sizes, activation = "relu", dropout = 0, bias = true, weightInit = hiddenInit(activation) } = options;
  if (!Array.isArray(sizes) || sizes.length < 2) {
    const got = Array.isArray(sizes) ? `has ${sizes.length} entries` : `is ${typeof sizes}`;
    throw new DomainError(`mlp: sizes ${got}; wants at least two, [in, …hidden, out].`);
  }
  for (const size of sizes) checkSize(size, "mlp", "sizes");
  activationFunction(activation, "mlp", "activation");
  checkFraction(dropout, "mlp", "dropout");
  const last = sizes.length - 2;
  return sequential(
    sizes.slice(1).flatMap((out, i): Layer<DenseParams | null, null>[] => {
      const layer = dense({ in: sizes[i], out, bias, weightInit: i === last ? lecun() : weightInit });
      if (i === last) return [layer];
      const hidden = [layer, activationLayer(activation)];
      return dropout === 0 ? hidden : [...hidden, dropoutLayer({ rate: dropout })];
    }),
  );
}
