/** What a model makes of an environment: everything that penalties and trainers look at, from one pass. */

import { expectOptions, expectArguments } from "@curv/linsolve";
import { DomainError, type Tensor } from "@curv/tensor";
import { autodiffHeadStatistics } from "./autodiff-head.js";
import { checkEnvironments, type Environment } from "./environment.js";
import { headStatistics, type HeadStatistics } from "./head-statistics.js";
import { checkModel, checkedForward, hasBias, headSize, headVector, type HeadedModel } from "./headed-model.js";
import { logitDerivatives, type HeadLoss, type LogitDerivatives } from "./logit-loss.js";

/** One environment, seen through a model. All tensors can be differentiated in the model's parameters. */
export interface EnvironmentView {
  /** z, [n, d]. */
  readonly features: Tensor;
  /** [n, K]. */
  readonly logits: Tensor;
  /** [n]. */
  readonly labels: Tensor;
  /** Mean loss L_e, a scalar. */
  readonly nll: Tensor;
  /** p − y, the derivative of each example's loss in its logits, [n, K]. */
  readonly errors: Tensor;
  /** p (1 − p), [n, K]. */
  readonly uncertainty: Tensor;
  readonly loss: HeadLoss;
  /** Gradient and curvature of L_e in the head's parameters. */
  readonly head: HeadStatistics;
  /** Whether a linear head has a bias; null for a general one. */
  readonly bias: boolean | null;
}

/** Refuses what is no list of views. */
export function checkViews(views: readonly EnvironmentView[], caller: string): void {
  expectArguments(caller, { views: [views, "list"] });
  if (views.length === 0) throw new DomainError(`${caller}: views is empty; wants at least one.`);
  for (const [i, view] of views.entries()) {
    expectArguments(caller, { [`views[${i}]`]: [view, "object"] });
    expectArguments(caller, { [`views[${i}].features`]: [view.features, "tensor"] });
  }
}

/** Options of {@link viewEnvironments}. */
export interface ViewOptions {
  /** By default "bce" for one logit, else "ce". */
  readonly loss?: HeadLoss;
  /** How the head's statistics are computed. Default "closed-form" for a linear head, else "autodiff". */
  readonly mode?: "closed-form" | "autodiff";
}

/**
 * Applies a model to each environment.
 *
 * @throws TreeError if `headParams` names nothing; DomainError for an empty environment, a label outside the classes, or closed forms of a
 * head that is not linear; ShapeError, DTypeError for data that do not fit.
 */
export function viewEnvironments<P>(
  model: HeadedModel<P>,
  params: P,
  environments: readonly Environment[],
  options: ViewOptions = {},
  caller = "viewEnvironments",
): EnvironmentView[] {
  checkModel(model, params, caller);
  expectOptions(caller, options, { loss: "text", mode: "text" });
  const { loss, mode = model.headKind === "linear" ? "closed-form" : "autodiff" } = options;
  checkEnvironments(environments, caller, 1);
  if (mode !== "closed-form" && mode !== "autodiff") {
    throw new DomainError(`${caller}: mode is "${String(mode)}"; wants "closed-form" or "autodiff".`);
  }
  if (mode === "closed-form" && model.headKind !== "linear") {
    throw new DomainError(
      `${caller}: mode "closed-form" wants a linear head; this one is general. Use mode "autodiff".`,
    );
  }
  const size = headSize(model, params, caller);
  return environments.map(({ x, y }) => {
    const { z, logits } = checkedForward(model, params, x, caller);
    const derivatives = logitDerivatives(logits, y, loss, caller);
    const [n, classes] = derivatives.errors.shape;
    const bias = model.headKind === "linear" ? hasBias(size, classes, z.shape[1], caller) : null;
    return {
      features: z,
      logits: logits.reshape(n, classes),
      labels: y.reshape(n),
      nll: derivatives.losses.mean(),
      errors: derivatives.errors,
      uncertainty: derivatives.uncertainty,
      loss: derivatives.kind,
      bias,
      head:
        mode === "closed-form"
          ? headStatistics(z, logits, y, { loss: derivatives.kind, bias: bias === true })
          : differentiated(model, params, z, y, derivatives, caller),
    };
  });
}

function differentiated<P>(
  model: HeadedModel<P>,
  params: P,
  z: Tensor,
  y: Tensor,
  { kind }: LogitDerivatives,
  caller: string,
): HeadStatistics {
  const { vector, logits } = headVector(model, params, caller);
  return autodiffHeadStatistics((h) => logitDerivatives(logits(h, z), y, kind, caller).losses.mean(), vector);
}
