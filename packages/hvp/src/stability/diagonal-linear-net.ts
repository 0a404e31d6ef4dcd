/** The diagonal linear network, and its sharpness in closed form. */

import { expectArguments } from "@curv/linsolve";
import { isFloat, DTypeError, matmul, ShapeError, type Tensor } from "@curv/tensor";

/** Parameters of f(x) = Σⱼ aⱼ bⱼ xⱼ: a linear model whose parametrisation makes SGD prefer sparse weights. */
export interface DiagonalLinearNet {
  /** [d]. */
  readonly a: Tensor;
  /** [d]. */
  readonly b: Tensor;
}

/**
 * β = a ∘ b [d], the weights of the linear function.
 *
 * @throws ShapeError for parameters that do not fit.
 */
export function effectiveWeights(net: DiagonalLinearNet): Tensor {
  const { a, b } = checkedNet(net, "effectiveWeights");
  if (a.rank !== 1 || b.rank !== 1 || a.size !== b.size) {
    throw new ShapeError(
      `effectiveWeights: a has shape [${a.shape.join(", ")}], b [${b.shape.join(", ")}]; wants [d] and [d].`,
    );
  }
  return a.mul(b);
}

/**
 * f(xᵢ) [n], for inputs [n, d].
 *
 * @throws ShapeError for parameters or inputs that do not fit.
 */
export function diagonalLinearNet(net: DiagonalLinearNet, inputs: Tensor): Tensor {
  checkShapes(net, inputs, "diagonalLinearNet");
  return matmul(inputs, effectiveWeights(net));
}

/**
 * tr G = Σⱼ cⱼ(aⱼ² + bⱼ²) with cⱼ = (1/n) Σᵢ xᵢⱼ², a scalar; at least 2 Σⱼ cⱼ |βⱼ|.
 *
 * @param inputs - [n, d], n ≥ 1.
 * @throws ShapeError for parameters or inputs that do not fit.
 * Source: Wu & Su (2023), arXiv 2305.17490, section 4.
 */
export function traceDiagonalLinear(net: DiagonalLinearNet, inputs: Tensor): Tensor {
  checkShapes(net, inputs, "traceDiagonalLinear");
  if (inputs.shape[0] === 0)
    throw new ShapeError("traceDiagonalLinear: inputs has no rows; wants at least one example.");
  return inputs.square().mean(0).mul(net.a.square().add(net.b.square())).sum();
}

function checkedNet(net: DiagonalLinearNet, caller: string): DiagonalLinearNet {
  expectArguments(caller, { net: [net, "object"] });
  expectArguments(caller, { "net.a": [net.a, "tensor"], "net.b": [net.b, "tensor"] });
  return net;
}

function checkShapes(net: DiagonalLinearNet, inputs: Tensor, caller: string): void {
  const { a, b } = checkedNet(net, caller);
  expectArguments(caller, { inputs: [inputs, "tensor"] });
  if (!isFloat(inputs.dtype)) throw new DTypeError(`${caller}: inputs are ${inputs.dtype}; wants float32 or float64.`);
  const [d] = a.shape;
  if (a.rank !== 1 || b.rank !== 1 || inputs.rank !== 2 || b.shape[0] !== d || inputs.shape[1] !== d) {
    const shapes = [a, b, inputs].map(({ shape }) => `[${shape.join(", ")}]`);
    throw new ShapeError(
      `${caller}: a has shape ${shapes[0]}, b ${shapes[1]}, inputs ${shapes[2]}; wants [d], [d] and [n, d].`,
    );
  }
}
