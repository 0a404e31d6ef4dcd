/** How often a model's choice is the label. */

import { expectArguments } from "@curv/linsolve";
import { jit, type Tensor } from "@curv/tensor";
import { checkEnvironment, type Environment } from "./environment.js";
import { checkModel, type HeadedModel } from "./headed-model.js";

/**
 * Fraction of examples whose label is the model's choice: the largest logit, or for a binary head whether the logit is above 0.
 *
 * @throws DomainError for an empty environment.
 */
export async function domainAccuracy<P>(model: HeadedModel<P>, params: P, environment: Environment): Promise<number> {
  checkModel(model, params, "domainAccuracy");
  expectArguments("domainAccuracy", { params: [params, "tree"] });
  checkEnvironment(environment, "domainAccuracy", "environment");
  return compiledAccuracy(model)(params, environment.x, environment.y).item();
}

/** The same as a compiled function, for several calls. */
export function compiledAccuracy<P>(model: HeadedModel<P>): (params: P, x: Tensor, y: Tensor) => Tensor {
  const share = (params: P, x: Tensor, y: Tensor): Tensor => {
    const logits = model.head(params, model.features(params, x));
    const single = logits.rank === 1 || logits.shape[1] === 1;
    const choices = single ? logits.reshape(-1).greater(0) : logits.argMax(-1);
    return choices.cast("float32").equal(y.reshape(-1).cast("float32")).cast("float32").mean();
  };
  return jit(share as never) as unknown as typeof share;
}
