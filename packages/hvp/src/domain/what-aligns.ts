/** What of two environments is aligned, and which method asks for it: the paper's analysis as a table of numbers. */

import { expectOptions } from "@curv/linsolve";
import { DomainError, stack, where, type Tensor } from "@curv/tensor";
import { checkEnvironments, type Environment } from "./environment.js";
import { gradientVariance } from "./fishr.js";
import { checkModel, type HeadedModel } from "./headed-model.js";
import { viewEnvironments, type EnvironmentView, type ViewOptions } from "./view.js";

/** A row of the table. */
export interface AlignmentRow {
  readonly quantity: string;
  /** The quantity, as a formula. */
  readonly formula: string;
  /** Methods that push this to be equal in all environments. */
  readonly alignedBy: readonly string[];
  /** Largest distance between two environments. */
  readonly gap: number;
  /** `gap` over the mean norm; 0 where both are 0. */
  readonly relativeGap: number;
}

interface Quantity {
  readonly quantity: string;
  readonly formula: string;
  readonly alignedBy: readonly string[];
  readonly of: (view: EnvironmentView) => Tensor;
}

const gradientMethods = ["IGA", "HGP", "Hutchinson"] as const;

/**
 * Everything that the first two derivatives of a linear head's loss consist of, and what the other methods look at. The gradient holds the
 * errors and the features weighted by them; the Hessian holds the uncertainties p(1 − p) and the first and second moments of the features
 * weighted by them. So IGA, and Fish by its direction, match a part of what gradient and Hessian match together; of Fishr's variances, the same features
 * weighted by squared errors; CORAL and V-REx the moments without weights and the losses.
 */
const quantities: readonly Quantity[] = [
  { quantity: "loss", formula: "mean ℓ", alignedBy: ["V-REx"], of: ({ nll }) => nll.reshape(1) },
  {
    quantity: "errors",
    formula: "mean (p − y)",
    alignedBy: gradientMethods,
    of: ({ errors }) => errors.mean(0),
  },
  {
    quantity: "features weighted by errors",
    formula: "mean (p − y) ⊗ z",
    alignedBy: gradientMethods,
    of: ({ errors, features, labels }) => errors.T.matmul(features).div(labels.shape[0]),
  },
  {
    quantity: "direction of the gradient",
    formula: "g / ‖g‖",
    alignedBy: ["Fish"],
    of: ({ head }) => {
      const g = head.gradient();
      const length = g.square().sum().sqrt();
      return g.div(where(length.greater(0), length, 1));
    },
  },
  {
    quantity: "logits weighted by errors",
    formula: "mean (p − y)·s",
    alignedBy: ["IRM"],
    of: ({ errors, logits }) => errors.mul(logits).sum(1).mean().reshape(1),
  },
  {
    quantity: "uncertainty",
    formula: "mean p(1 − p)",
    alignedBy: ["Hutchinson", "exact Hessian"],
    of: ({ uncertainty }) => uncertainty.mean(0),
  },
  {
    quantity: "features weighted by uncertainty",
    formula: "mean p(1 − p) ⊗ z",
    alignedBy: ["exact Hessian"],
    of: ({ uncertainty, features, labels }) => uncertainty.T.matmul(features).div(labels.shape[0]),
  },
  {
    quantity: "second moments weighted by uncertainty",
    formula: "mean p_k(1 − p_k) z zᵀ",
    alignedBy: ["exact Hessian"],
    of: ({ uncertainty, features, labels }) =>
      stack(
        Array.from({ length: uncertainty.shape[1] }, (_, k) =>
          features.T.matmul(features.mul(uncertainty.slice(null, [k, k + 1]))).div(labels.shape[0]),
        ),
      ),
  },
  {
    quantity: "Hessian-gradient product",
    formula: "H g",
    alignedBy: ["HGP"],
    of: ({ head }) => head.hvp(head.gradient()),
  },
  {
    quantity: "diagonal of the Hessian",
    formula: "diag H",
    alignedBy: ["Hutchinson", "exact Hessian"],
    of: ({ head }) => head.diagonal(),
  },
  {
    quantity: "variance of gradients",
    formula: "var (p − y) ⊗ z",
    alignedBy: ["Fishr"],
    of: gradientVariance,
  },
  {
    quantity: "features",
    formula: "mean z",
    alignedBy: ["CORAL"],
    of: ({ features }) => features.mean(0),
  },
  {
    quantity: "covariance of features",
    formula: "cov z",
    alignedBy: ["CORAL"],
    of: ({ features, labels }) => {
      const centred = features.sub(features.mean(0));
      return centred.T.matmul(centred).div(Math.max(1, labels.shape[0] - 1));
    },
  },
];

/**
 * Measures, for a model with a linear head, how far apart environments are in each quantity that some method aligns.
 *
 * @throws DomainError for fewer than two environments, or a head that is not linear.
 * Source: Hemati, Zhang, Estiri & Chen (2023), table of the attributes that each method aligns.
 *
 * @example
 * for (const { quantity, relativeGap } of await whatAligns(model, params, environments)) console.log(quantity, relativeGap);
 */
export async function whatAligns<P>(
  model: HeadedModel<P>,
  params: P,
  environments: readonly Environment[],
  options: Pick<ViewOptions, "loss"> = {},
): Promise<AlignmentRow[]> {
  checkModel(model, params, "whatAligns");
  expectOptions("whatAligns", options, { loss: "text" });
  checkEnvironments(environments, "whatAligns", 2);
  if (model.headKind !== "linear") throw new DomainError("whatAligns: the head is general; wants a linear one.");
  const views = viewEnvironments(model, params, environments, options, "whatAligns");
  const rows: AlignmentRow[] = [];
  for (const { quantity, formula, alignedBy, of } of quantities) {
    const values = views.map((view) => of(view));
    const norm = async (x: Tensor): Promise<number> => x.square().sum().sqrt().item();
    const distances = values.flatMap((a, i) => values.slice(i + 1).map((b) => norm(a.sub(b))));
    const gap = Math.max(...(await Promise.all(distances)));
    const size = (await Promise.all(values.map(norm))).reduce((a, b) => a + b, 0) / values.length;
    rows.push({ quantity, formula, alignedBy, gap, relativeGap: gap === 0 ? 0 : gap / size });
  }
  return rows;
}
