/** What stability says about the size of a shallow model, and its generalisation. */

import { expectArguments } from "@curv/linsolve";
import { DomainError, ShapeError, type Tensor } from "@curv/tensor";
import { checkPositive } from "../batch-size/arguments.js";

export interface NormCertificate {
  /** The norm of every minimum that is stable for SGD with this learning rate and batches of one is at most this. */
  readonly bound: number;
  /** Σⱼ |aⱼ| ‖wⱼ‖ (`pathNorm`), or ‖β‖₁. */
  readonly norm: "path" | "l1";
  /** Upper bound of the Rademacher complexity, on these inputs, of all models whose norm is within the bound. */
  readonly rademacher: number;
}

/**
 * The norm that mean-square stability of SGD with B = 1, tr G ≤ 2/η, leaves to a shallow model at an interpolating minimum.
 *
 * - `two-layer-relu`: tr G ≥ σ² √d ‖θ‖_P for isotropic inputs with E xxᵀ = σ²I, hence ‖θ‖_P ≤ 2/(η σ² √d), where σ² = mean ‖x‖²/d. Of the
 *   population: for samples of n ≳ d it holds up to sampling. Rademacher complexity at most 2 R max ‖x‖/√n.
 * - `diagonal-linear`: tr G ≥ 2 Σ cⱼ|βⱼ| with cⱼ the mean of xⱼ², hence ‖β‖₁ ≤ 1/(η min cⱼ), for any inputs. Rademacher complexity at most
 *   R max |xᵢⱼ| √(2 log(2d)/n).
 *
 * Gradient descent is stable at every minimum with ‖G‖₂ ≤ 2/η, which bounds no such norm: it may be larger by the width.
 *
 * @param inputs - X [n, d].
 * @param lr - η.
 * @throws ShapeError for inputs that are no matrix; DomainError for a learning rate that is not positive, a model of another name, inputs with NaN.
 * Source: Wu & Su (2023), arXiv 2305.17490, section 4; complexities: Ma, Wu & E (2020) for path norms, Kakade, Sridharan & Tewari (2008).
 *
 * @example
 * const { bound } = await normCertificate("two-layer-relu", inputs, 0.05);
 */
export async function normCertificate(
  model: "two-layer-relu" | "diagonal-linear",
  inputs: Tensor,
  lr: number,
): Promise<NormCertificate> {
  expectArguments("normCertificate", { model: [model, "text"], inputs: [inputs, "tensor"] });
  const caller = "normCertificate";
  checkPositive(lr, caller, "lr");
  if (inputs.rank !== 2 || inputs.size === 0) {
    throw new ShapeError(`${caller}: inputs have shape [${inputs.shape.join(", ")}]; wants [examples, inputs].`);
  }
  const [n, d] = inputs.shape;
  const x = inputs.cast("float64");
  if (!Number.isFinite(await x.mul(0).sum().item())) {
    throw new DomainError(`${caller}: inputs have NaN or an infinity; wants numbers.`);
  }
  switch (model) {
    case "two-layer-relu": {
      const lengths = x.square().sum(1);
      const bound = 2 / (lr * ((await lengths.mean().item()) / d) * Math.sqrt(d));
      const longest = Math.sqrt(await lengths.max().item());
      return { bound, norm: "path", rademacher: (2 * bound * longest) / Math.sqrt(n) };
    }
    case "diagonal-linear": {
      const bound = 1 / (lr * (await x.square().mean(0).min().item()));
      const largest = await x.abs().max().item();
      return { bound, norm: "l1", rademacher: bound * largest * Math.sqrt((2 * Math.log(2 * d)) / n) };
    }
    default:
      throw new DomainError(
        `${caller}: model is ${JSON.stringify(model)}; wants "two-layer-relu" or "diagonal-linear".`,
      );
  }
}

/**
 * η = 2/t: the learning rate at which SGD with batches of one leaves every minimum whose trace exceeds t.
 *
 * @param trace - t > 0.
 * @throws DomainError for a trace that is not positive.
 */
export function lrForTargetTrace(trace: number): number {
  checkPositive(trace, "lrForTargetTrace", "trace");
  return 2 / trace;
}
