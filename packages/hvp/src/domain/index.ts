/**
 * Domain generalisation: alignment of the head's gradient and curvature between environments, with what it is compared with.
 *
 * @packageDocumentation
 */

export { domainAccuracy } from "./accuracy.js";
export { type DomainOptimizer } from "./adam.js";
export {
  aligned,
  fishr,
  statelessPenalty,
  type AlgorithmName,
  type DomainPenalty,
  type PenaltySetting,
} from "./algorithm.js";
export {
  alignHeads,
  diagonalEstimate,
  hessianAlignment,
  type AlignOptions,
  type Alignment,
  type AlignmentMethod,
  type HessianAlignment,
  type HessianAlignmentOptions,
} from "./alignment.js";
export { autodiffHeadStatistics } from "./autodiff-head.js";
export { coralPenalty, igaPenalty, irmPenalty, vrexPenalty } from "./baselines.js";
export {
  coloredDigits,
  imbalancedSplit,
  type ColoredDigits,
  type ColoredDigitsOptions,
  type ImbalancedSplitOptions,
} from "./colored-digits.js";
export { type Environment } from "./environment.js";
export { fishStep, type FishStep } from "./fish.js";
export { fishrPenalty, gradientVariance, type Fishr, type FishrOptions } from "./fishr.js";
export { headStatistics, type HeadStatistics, type HeadStatisticsOptions } from "./head-statistics.js";
export {
  headedModel,
  headProblem,
  type HeadedLayers,
  type HeadedModel,
  type HeadedParams,
  type HeadProblem,
} from "./headed-model.js";
export { type HeadLoss } from "./logit-loss.js";
export { rotatedDigits, type RotatedDigitsOptions } from "./rotated-digits.js";
export {
  trainDomains,
  type TrainDomainsOptions,
  type TrainDomainsResult,
  type TrainDomainsStep,
  type WatchedAccuracies,
} from "./train-domains.js";
export {
  transferMeasure,
  transferUpperBound,
  type HeadObjective,
  type TransferBound,
  type TransferBoundOptions,
  type TransferMeasure,
  type TransferMeasureOptions,
} from "./transfer.js";
export { viewEnvironments, type EnvironmentView, type ViewOptions } from "./view.js";
export { whatAligns, type AlignmentRow } from "./what-aligns.js";
