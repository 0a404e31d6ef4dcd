/** A model at a minimum where nothing is left of the error, as stability sees it: the gradients of its outputs, one row an example. */

import { expectOptions, expectArguments } from "@curv/linsolve";
import { isFloat, DTypeError, DomainError, ShapeError, type Tensor } from "@curv/tensor";
import { asInputBatches, type Data } from "../data.js";
import { asBatch } from "../loss-function.js";
import { checkedModel, checkOutputLoss, type Model, type Supervised } from "../operators/model.js";
import { squaredErrorOutput, type OutputLoss } from "../output-loss.js";
import { asVector, compiled, gradient, mapped } from "../transforms.js";
import { checkCount } from "../estimators/products.js";

/**
 * Rows aᵢ with curvature Hᵢ = aᵢaᵢᵀ for each example: aᵢ = ∇f(xᵢ; θ*) for a squared loss ½(f − y)². The Hessian at the minimum is
 * G = (1/n) Σ aᵢaᵢᵀ, and SGD near it is δ ← δ − (η/B) Σ_batch aᵢaᵢᵀ δ.
 */
export interface Interpolant {
  /** n. */
  readonly examples: number;
  /** p. */
  readonly params: number;
  /** The rows, some examples at a time: tensors [some, p] in the order of the examples, the same in every pass. */
  readonly rows: () => Iterable<Tensor>;
  /** Mean squared residual over the variance of the targets: 0 at an interpolating minimum; null where it is not known. */
  readonly residual: number | null;
  /** Whether the loss is a squared error. For others the rows are those of the Gauss–Newton matrix, and verdicts are heuristic. */
  readonly squaredError: boolean;
}

/**
 * An interpolant from its rows.
 *
 * @param jacobian - A [n, p].
 * @param options - `residuals` f(xᵢ) − yᵢ [n] and the `targets` yᵢ [n], if they are to be looked at. Default: residuals are taken to be zero.
 * @throws ShapeError for what is no matrix, or residuals that are not as many; DomainError for NaN and infinities, naming the first row that has
 * them.
 */
export function interpolantOf(
  jacobian: Tensor,
  options: { readonly residuals?: Tensor; readonly targets?: Tensor } = {},
): Interpolant {
  const caller = "interpolantOf";
  expectArguments(caller, { jacobian: [jacobian, "tensor"] });
  expectOptions(caller, options, { residuals: "tensor", targets: "tensor" });
  if (!isFloat(jacobian.dtype))
    throw new DTypeError(`${caller}: jacobian is ${jacobian.dtype}; wants float32 or float64.`);
  const { residuals, targets } = options;
  if (jacobian.rank !== 2 || jacobian.size === 0) {
    throw new ShapeError(`${caller}: jacobian has shape [${jacobian.shape.join(", ")}]; wants [examples, parameters].`);
  }
  const [examples, params] = jacobian.shape;
  const wrong = Array.from(jacobian.mul(0).sum(1).dataSync()).findIndex((x) => !Number.isFinite(x));
  if (wrong >= 0) {
    throw new DomainError(`${caller}: row ${wrong} of jacobian has NaN or an infinity; wants finite numbers.`);
  }
  if ((residuals === undefined) !== (targets === undefined)) {
    throw new DomainError(`${caller}: wants both residuals and targets, or neither.`);
  }
  let residual: number | null = null;
  if (residuals !== undefined && targets !== undefined) {
    for (const [name, x] of Object.entries({ residuals, targets })) {
      if (x.size !== examples) {
        throw new ShapeError(`${caller}: ${name} has ${x.size} elements; wants one for each of ${examples} examples.`);
      }
    }
    residual = relativeResidual(sumsOf(residuals, targets), examples);
  }
  return { examples, params, rows: () => [jacobian], residual, squaredError: true };
}

export interface InterpolantOptions {
  /** `squaredErrorOutput` (default), or another loss of one output: `binaryCrossEntropyOutput`. */
  readonly outputLoss?: OutputLoss;
}

/**
 * The interpolant of a model with one output. The rows are computed anew in each pass, a batch at a time: n backward passes, the memory of one
 * batch of rows; `interpolantOf` keeps them.
 *
 * A model with several outputs has no rank-one curvature; give its `gaussNewtonOperator` to `sharpness`.
 *
 * @param model - (params, inputs) ↦ outputs [examples] or [examples, 1].
 * @param data - Inputs and targets, or batches of them.
 * @throws ShapeError for more than one output, or targets that are not as many as the outputs; DomainError for no examples.
 *
 * @example
 * const minimum = interpolant(model.apply, params, inBatches({ inputs, targets }, { batchSize: 64 }));
 * const { eta } = await meanSquareThreshold(minimum, { batch: 1 });
 */
export function interpolant<P, X>(
  model: Model<P, X>,
  params: P,
  data: Data<Supervised<X>>,
  options: InterpolantOptions = {},
): Interpolant {
  const caller = "interpolant";
  expectOptions(caller, options, {});
  const { outputLoss = squaredErrorOutput } = options;
  checkOutputLoss(outputLoss, caller);
  const checked = checkedModel(model, params, caller);
  const batches = asInputBatches(data, caller);
  const outputsOf = compiled((inputs: X) => checked(params, inputs));
  let [examples, moments] = [0, zeroSums];
  for (const { inputs, targets } of batches.each()) {
    expectArguments(caller, { "data.targets": [targets, "tensor"] });
    const outputs = outputsOf(inputs);
    const count = outputs.shape[0];
    if (outputs.size !== count || targets.size !== count) {
      throw new ShapeError(
        `${caller}: outputs have shape [${outputs.shape.join(", ")}], targets [${targets.shape.join(", ")}]; wants one output and one target for each example.`,
      );
    }
    const y = targets.reshape([count]).cast(outputs.dtype);
    moments = addSums(moments, sumsOf(outputs.reshape([count]).sub(y), y));
    examples += count;
  }
  if (examples === 0) throw new DomainError(`${caller}: the data hold no examples; wants at least one.`);
  const squaredError = outputLoss === squaredErrorOutput;
  const row = compiled((inputs: X) =>
    mapped((input: X) => {
      const output = (p: P): Tensor => model(p, asBatch(input)).reshape([]);
      const slope = asVector(gradient(output)(params)).vector;
      return squaredError ? slope : slope.mul(outputLoss.hessianRoot(output(params).reshape([1, 1])).reshape([]));
    })(inputs),
  );
  return {
    examples,
    params: asVector(params).vector.size,
    *rows() {
      for (const { inputs } of batches.each()) yield row(inputs);
    },
    residual: squaredError ? relativeResidual(moments, examples) : null,
    squaredError,
  };
}

/** Sums of r², y and y². */
type Sums = readonly [squares: number, sum: number, squared: number];
const zeroSums: Sums = [0, 0, 0];

function sumsOf(residuals: Tensor, targets: Tensor): Sums {
  const [r, y] = [residuals.cast("float64"), targets.cast("float64")];
  return [r.square().sum().itemSync(), y.sum().itemSync(), y.square().sum().itemSync()];
}

function addSums(a: Sums, b: Sums): Sums {
  return [a[0] + b[0], a[1] + b[1], a[2] + b[2]];
}

/** Mean r² over var y; over the mean of y² where the targets are all alike. */
function relativeResidual([squares, sum, squared]: Sums, n: number): number {
  if (!Number.isFinite(squares + squared)) {
    throw new DomainError("interpolant: residuals or targets have NaN or an infinity; wants numbers.");
  }
  if (squares === 0) return 0;
  const variance = squared / n - (sum / n) ** 2;
  const scale = variance > 1e-12 * (squared / n) ? variance : squared / n;
  return squares / n / scale;
}

/** Largest relative residual of a minimum that interpolates. */
const residualTolerance = 1e-6;

/** Whether what is derived for an interpolating minimum of a squared error is only a guess here. */
export function isHeuristic({ residual, squaredError }: Interpolant): boolean {
  return !squaredError || (residual !== null && residual > residualTolerance);
}

/** Refuses what is no interpolant. */
export function checkInterpolant(m: Interpolant, caller: string): void {
  expectArguments(caller, { m: [m, "object"] });
  expectArguments(caller, { "m.rows": [m.rows, "function"] });
  checkCount(m.examples, caller, "m.examples");
  checkCount(m.params, caller, "m.params");
}
