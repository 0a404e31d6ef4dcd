/** Slices of a loss along directions in the space of its parameters. */

import { DomainError, ShapeError, type Tensor } from "@curv/tensor";
import { axpy, flatten } from "@curv/tensor/tree";
import { expectArguments, expectOptions } from "@curv/linsolve";
import { meanOverExamples, type Data } from "./data.js";
import { checkLoss, type LossFunction, type LossOptions } from "./loss-function.js";
import { compiled } from "./transforms.js";

export interface LossSurfaceOptions extends LossOptions {
  /** Farthest step along each direction, both ways. Default 1. */
  readonly radius?: number;
  /** Odd number of steps along each direction, so that one is 0. Default 21. */
  readonly points?: number;
  /** Stops the run: its promise is rejected with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Called after each line. */
  readonly onProgress?: (progress: { readonly losses: number; readonly of: number }) => void;
}

export interface LossSurface {
  /** Steps along each direction. */
  readonly steps: readonly number[];
  /** The loss at steps[i] along the first direction, for each step along the second; one entry a row if there is one direction only. */
  readonly losses: readonly (readonly number[])[];
}

/**
 * L(θ + α d₁ + β d₂) on a grid: along eigenvectors of the Hessian, the loss as its curvature says, and where that ends to be true.
 *
 * @param directions - One or two trees like the parameters; of length 1 if α is to be a distance.
 * @throws DomainError for options out of range; ShapeError for directions unlike the parameters; as `hessianOperator`.
 * Source: Li, Xu, Taylor, Studer & Goldstein, Visualizing the loss landscape of neural nets (2018).
 */
export async function lossSurface<P, B>(
  loss: LossFunction<P, B>,
  params: P,
  data: Data<B>,
  directions: readonly [P] | readonly [P, P],
  options: LossSurfaceOptions = {},
): Promise<LossSurface> {
  const caller = "lossSurface";
  expectArguments(caller, { directions: [directions, "list"] });
  expectOptions(caller, options, { radius: "number", points: "number" });
  const { radius = 1, points = 21, signal, onProgress } = options;
  if (!(radius > 0)) throw new DomainError(`${caller}: radius is ${radius}; wants a positive number.`);
  if (!Number.isInteger(points) || points < 3 || points % 2 === 0) {
    throw new DomainError(`${caller}: points is ${points}; wants an odd integer >= 3.`);
  }
  const batches = checkLoss(loss, params, data, caller, options, () => ({}));
  if (directions.length !== 1 && directions.length !== 2) {
    throw new DomainError(`${caller}: there are ${(directions as readonly P[]).length} directions; wants one or two.`);
  }
  directions.forEach((direction, i) => {
    expectArguments(caller, { [`directions[${i}]`]: [direction, "tree"] });
    const [got, wanted] = [shapesOf(direction), shapesOf(params)];
    if (got !== wanted) {
      throw new ShapeError(`${caller}: direction ${i} has leaves of ${got}; wants ${wanted}, as the parameters have.`);
    }
  });
  const { mean, eager } = meanOverExamples(batches, (batch) => (p: P) => loss(p, batch), caller);
  const [first, second] = directions;
  const along = (p: P, direction: P, step: Tensor | number): P => axpy(step, direction as never, p as never) as P;
  const at = (alpha: Tensor | number, beta: Tensor | number): Tensor =>
    mean(along(second === undefined ? params : along(params, second, beta), first, alpha));
  const value = eager ? at : compiled(at);
  const half = (points - 1) / 2;
  const steps = Array.from({ length: points }, (_, i) => (radius * (i - half)) / half);
  const losses: number[][] = [];
  for (const alpha of steps) {
    const row: number[] = [];
    for (const beta of second === undefined ? [0] : steps) row.push(await value(alpha, beta).item());
    losses.push(row);
    onProgress?.({ losses: losses.length * row.length, of: steps.length * row.length });
    await new Promise((resolve) => setTimeout(resolve));
    signal?.throwIfAborted();
  }
  return { steps, losses };
}

function shapesOf(tree: unknown): string {
  return flatten(tree as never)
    .leaves.map(({ shape }) => `[${shape.join(", ")}]`)
    .join(", ");
}
