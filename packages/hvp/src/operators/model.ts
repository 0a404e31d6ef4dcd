/** Models and losses of their outputs, as functions take them: what is something else is refused by name. */

import { expectArguments } from "@curv/linsolve";
import { isTensor, ShapeError, TreeError, type Tensor } from "@curv/tensor";
import { checkParams } from "../loss-function.js";
import type { OutputLoss } from "../output-loss.js";

/** (params, inputs) ↦ outputs [examples, ..., C]. */
export type Model<P, X> = (params: P, inputs: X) => Tensor;

/** Inputs of a model, and what its outputs are compared with. */
export interface Supervised<X> {
  readonly inputs: X;
  readonly targets: Tensor;
}

/** What an operator on a model can be told. */
export interface ModelOptions {
  /**
   * Compute the outputs and one product on the first batch twice, and refuse what is not the same again: dropout from a key that changes,
   * say. Default true.
   */
  readonly check?: boolean;
}

/** The model, whose outputs are looked at wherever it is called. */
export function checkedModel<P, X>(model: Model<P, X>, params: P, caller: string): Model<P, X> {
  expectArguments(caller, { model: [model, "function"] });
  checkParams(params, caller);
  return (p, inputs) => {
    const outputs: unknown = model(p, inputs);
    if (!isTensor(outputs)) {
      throw new TreeError(`${caller}: the model returned ${typeof outputs}; wants a Tensor of outputs.`);
    }
    if (outputs.rank === 0)
      throw new ShapeError(`${caller}: the model returned a scalar; wants a first axis, of examples.`);
    return outputs;
  };
}

/** Refuses what has not all the functions of a loss of outputs. */
export function checkOutputLoss(outputLoss: OutputLoss, caller: string): void {
  expectArguments(caller, { outputLoss: [outputLoss, "object"] });
  for (const name of ["losses", "hessianProduct", "hessianRoot", "sample"] as const) {
    expectArguments(caller, { [`outputLoss.${name}`]: [outputLoss[name], "function"] });
  }
}
