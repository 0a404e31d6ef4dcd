/** The diagonal of the Gauss–Newton matrix, exactly. */

import { eye, type Tensor } from "@curv/tensor";
import { map } from "@curv/tensor/tree";
import { asInputBatches, meanOverExamples, type Data } from "./data.js";
import { asBatch } from "./loss-function.js";
import { checkedModel, checkOutputLoss, type Model } from "./operators/model.js";
import type { OutputLoss } from "./output-loss.js";
import { mapped, withPullback } from "./transforms.js";

/**
 * diag G, a tree like the parameters: with R Rᵀ the Hessian of the loss with respect to an example's outputs, the mean over examples of the
 * squares of the columns of Jᵀ R, summed. As many backward passes as the root R has columns, for each example: exact, where a stochastic
 * diagonal has an error of the size of the rest of the matrix.
 *
 * @param data - `{inputs}`; take it in batches, as a batch needs examples × outputs × parameters of memory.
 * @returns diag G, the same tree as `params`.
 * Source: Dangel, Kunstner & Hennig, BackPACK (2020), `DiagGGNExact`.
 */
export function gaussNewtonDiagonal<P, X>(
  model: Model<P, X>,
  outputLoss: OutputLoss,
  params: P,
  data: Data<{ readonly inputs: X }>,
): P {
  const caller = "gaussNewtonDiagonal";
  checkOutputLoss(outputLoss, caller);
  const checked = checkedModel(model, params, caller);
  const ofExample = (p: P, input: X): P => {
    const { value: outputs, pullback } = withPullback((q: P) => checked(q, asBatch(input)), p);
    const size = outputs.shape[outputs.rank - 1];
    const rows = outputs.size / size;
    const root = outputLoss.hessianRoot(outputs).reshape([rows, size, -1]);
    const rank = root.shape[2];
    // One cotangent for each row of outputs and each column of its root.
    const columns = eye(rows, rows, { dtype: outputs.dtype })
      .reshape([rows, 1, rows, 1])
      .mul(root.transpose([2, 0, 1]).reshape([1, rank, rows, size]))
      .reshape([rows * rank, ...outputs.shape]);
    const squares = mapped((column: Tensor) => squared(pullback(column)[0]))(columns);
    return map(((x: Tensor) => x.sum(0).div(rows)) as never, squares as never);
  };
  const { mean } = meanOverExamples(
    asInputBatches(data, caller),
    ({ inputs }) =>
      (p: P) => {
        const all = mapped((input: X) => ofExample(p, input))(inputs);
        return map(((x: Tensor) => x.mean(0)) as never, all as never) as P;
      },
    caller,
  );
  return mean(params);
}

function squared<P>(tree: P): P {
  return map(((x: Tensor) => x.square()) as never, tree as never);
}
