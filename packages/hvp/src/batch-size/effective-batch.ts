/** How many examples a batch is worth when it is drawn without replacement. */

import { DomainError } from "@curv/tensor";
import { checkCount } from "../estimators/products.js";

/**
 * b = 1/(1/B − 1/N): the variance of the mean of a batch of B out of N examples, drawn without replacement, is that of b independent draws
 * (to 1 + 1/N). b = ∞ for B = N: the whole set has no noise.
 *
 * @param batch - B, an integer from 1 to N.
 * @param dataset - N. Infinity for draws with replacement, or from a stream: then b = B.
 * @throws DomainError for a batch that is no integer from 1 to N.
 * Source: Granziol, Zohren & Roberts (2022), arXiv 2006.09092.
 */
export function effectiveBatch(batch: number, dataset: number = Infinity): number {
  return effectiveBatchOf(batch, dataset, "effectiveBatch");
}

/** The same for another function, whose argument may have another name. */
export function effectiveBatchOf(batch: number, dataset: number, caller: string, argument = "batch"): number {
  if (dataset !== Infinity) checkCount(dataset, caller, "dataset");
  checkCount(batch, caller, argument);
  if (batch > dataset) {
    throw new DomainError(`${caller}: ${argument} is ${batch}; wants at most the ${dataset} examples of the data set.`);
  }
  if (batch === dataset) return Infinity;
  return batch / (1 - batch / dataset);
}
