/** The affine layer. */

import { ShapeError, tensordot, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { checkInput, checkLeaf, checkSize, formatShape } from "./arguments.js";
import { zeros } from "./init/constant.js";
import { fansOf, type Initializer } from "./init/initializer.js";
import { lecun } from "./init/variance-scaling.js";
import { stateless, type Stateless } from "./layer.js";

export interface DenseOptions {
  /** Number of input features. */
  readonly in: number;
  /** Number of output features. */
  readonly out: number;
  /** Whether a bias is added. Default true. */
  readonly bias?: boolean;
  /** Default `init.lecun()`; `init.he()` before a ReLU. */
  readonly weightInit?: Initializer;
  /** Default zeros. */
  readonly biasInit?: Initializer;
}

export interface DenseParams {
  /** [out, in]. */
  readonly weight: Tensor;
  /** [out]; absent without bias. */
  readonly bias?: Tensor;
}

export interface Dense extends Stateless<DenseParams> {
  readonly name: "dense";
  readonly options: DenseOptions;
}

/**
 * y = x Wᵀ + b on the last axis: [..., in] to [..., out]. Layout and names are those of PyTorch's `Linear`.
 *
 * @throws DomainError for sizes that are no positive integers; ShapeError, when applied, for an input with other features.
 */
export function dense(options: DenseOptions): Dense {
  const { in: inputs, out: outputs, bias = true, weightInit = lecun(), biasInit = zeros() } = options;
  checkSize(inputs, "dense", "in");
  checkSize(outputs, "dense", "out");
  const shape = [outputs, inputs];
  return {
    name: "dense",
    options,
    init: (key, initOptions = {}) => {
      const [weightKey, biasKey] = random.split(key);
      const drawing = { ...initOptions, fans: fansOf(shape) };
      const weight = weightInit(weightKey, shape, drawing);
      return bias ? { weight, bias: biasInit(biasKey, [outputs], drawing) } : { weight };
    },
    ...stateless((params: DenseParams, x) => {
      checkInput(x, "dense");
      if (x.rank === 0 || x.shape[x.rank - 1] !== inputs) {
        throw new ShapeError(`dense: x has shape ${formatShape(x.shape)}; wants ${inputs} features on the last axis.`);
      }
      const y = tensordot(x, checkLeaf(params.weight, shape, "dense", "params.weight"), [[-1], [1]]);
      return bias ? y.add(checkLeaf(params.bias, [outputs], "dense", "params.bias")) : y;
    }),
  };
}
