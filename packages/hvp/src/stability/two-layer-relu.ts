/** A network with one hidden layer of ReLUs, and its sharpness in closed form. */

import { expectOptions, expectArguments } from "@curv/linsolve";
import { isFloat, DTypeError, DomainError, matmul, relu, ShapeError, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";

/** Parameters of f(x) = Σⱼ aⱼ relu(wⱼᵀx). */
export interface TwoLayerRelu {
  /** wⱼ as rows [m, d]. */
  readonly inner: Tensor;
  /** aⱼ [m]. */
  readonly outer: Tensor;
}

export interface TwoLayerReluOptions {
  /** m. */
  readonly width: number;
  /** d. */
  readonly inputs: number;
  /** Default: the default dtype. */
  readonly dtype?: "float32" | "float64";
}

/**
 * Random parameters: wⱼ ~ N(0, I/d), aⱼ ~ N(0, 1/m).
 *
 * @throws DomainError for sizes that are no positive integers.
 */
export function initTwoLayerRelu(key: random.Key, options: TwoLayerReluOptions): TwoLayerRelu {
  expectArguments("initTwoLayerRelu", { key: [key, "key"] });
  expectOptions("initTwoLayerRelu", options, { dtype: "text" });
  const { width, inputs, dtype } = options;
  for (const [name, size] of Object.entries({ width, inputs })) {
    if (!Number.isInteger(size) || size < 1) {
      throw new DomainError(`initTwoLayerRelu: ${name} is ${size}; wants a positive integer.`);
    }
  }
  const [innerKey, outerKey] = random.split(key);
  if (dtype !== undefined && dtype !== "float32" && dtype !== "float64") {
    throw new DTypeError(`initTwoLayerRelu: dtype is ${JSON.stringify(dtype)}; wants "float32" or "float64".`);
  }
  const typed = dtype === undefined ? {} : { dtype };
  return {
    inner: random.normal(innerKey, { shape: [width, inputs], ...typed }).div(Math.sqrt(inputs)),
    outer: random.normal(outerKey, { shape: [width], ...typed }).div(Math.sqrt(width)),
  };
}

/**
 * f(xᵢ) [n], for inputs [n, d].
 *
 * @throws ShapeError for parameters or inputs that do not fit.
 */
export function twoLayerRelu(net: TwoLayerRelu, inputs: Tensor): Tensor {
  checkShapes(net, inputs, "twoLayerRelu");
  return matmul(relu(matmul(inputs, net.inner.transpose())), net.outer);
}

/**
 * ‖θ‖_P = Σⱼ |aⱼ| ‖wⱼ‖, a scalar; differentiable away from zero. It does not change when a unit is rescaled, (wⱼ, aⱼ) to (c wⱼ, aⱼ/c).
 *
 * @throws ShapeError for parameters that do not fit.
 * Source: Neyshabur, Tomioka & Srebro (2015).
 */
export function pathNorm(net: TwoLayerRelu): Tensor {
  const { inner, outer } = checkedNet(net, "pathNorm");
  if (inner.rank !== 2 || outer.rank !== 1 || inner.shape[0] !== outer.shape[0]) {
    throw new ShapeError(
      `pathNorm: inner has shape [${inner.shape.join(", ")}], outer [${outer.shape.join(", ")}]; wants [m, d] and [m].`,
    );
  }
  return outer.abs().mul(inner.square().sum(1).sqrt()).sum();
}

/**
 * tr G = (1/n) Σᵢ Σⱼ [relu(wⱼᵀxᵢ)² + aⱼ² ‖xᵢ‖² 1(wⱼᵀxᵢ > 0)], the mean squared norm of the gradients of f, a scalar. Rescaling units changes it;
 * for isotropic inputs of variance 1 it is near ½ Σⱼ (‖wⱼ‖² + d aⱼ²) ≥ √d ‖θ‖_P.
 *
 * @param inputs - [n, d], n ≥ 1.
 * @throws ShapeError for parameters or inputs that do not fit.
 * Source: Wu & Su (2023), arXiv 2305.17490, section 4.
 */
export function traceTwoLayer(net: TwoLayerRelu, inputs: Tensor): Tensor {
  checkShapes(net, inputs, "traceTwoLayer");
  if (inputs.shape[0] === 0) throw new ShapeError("traceTwoLayer: inputs has no rows; wants at least one example.");
  const before = matmul(inputs, net.inner.transpose());
  const active = before.greater(0).cast(before.dtype);
  const lengths = inputs.square().sum(1, { keepDims: true });
  const gradients = relu(before).square().add(active.mul(lengths).mul(net.outer.square()));
  return gradients.sum(1).mean();
}

function checkedNet(net: TwoLayerRelu, caller: string): TwoLayerRelu {
  expectArguments(caller, { net: [net, "object"] });
  expectArguments(caller, { "net.inner": [net.inner, "tensor"], "net.outer": [net.outer, "tensor"] });
  return net;
}

function checkShapes(net: TwoLayerRelu, inputs: Tensor, caller: string): void {
  const { inner, outer } = checkedNet(net, caller);
  expectArguments(caller, { inputs: [inputs, "tensor"] });
  if (!isFloat(inputs.dtype)) throw new DTypeError(`${caller}: inputs are ${inputs.dtype}; wants float32 or float64.`);
  const fits =
    inner.rank === 2 &&
    outer.rank === 1 &&
    inputs.rank === 2 &&
    inner.shape[0] === outer.shape[0] &&
    inputs.shape[1] === inner.shape[1];
  if (!fits) {
    const shapes = [inner, outer, inputs].map(({ shape }) => `[${shape.join(", ")}]`);
    throw new ShapeError(
      `${caller}: inner has shape ${shapes[0]}, outer ${shapes[1]}, inputs ${shapes[2]}; wants [m, d], [m] and [n, d].`,
    );
  }
}
