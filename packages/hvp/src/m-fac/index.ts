/** M-FAC: products with the inverse of a damped empirical Fisher, without a matrix of d × d (Frantar, Kurtic & Alistarh, 2021). */

export { FisherWindow, type FisherWindowOptions } from "./fisher-window.js";
export {
  slidingInverseFisher,
  type PushApplied,
  type SlidingInverseFisher,
  type SlidingInverseFisherOptions,
  type SlidingState,
} from "./sliding-inverse-fisher.js";
export {
  staticInverseFisher,
  type StaticInverseFisher,
  type StaticInverseFisherOptions,
} from "./static-inverse-fisher.js";
export { woodburyInverse, type WoodburyOptions } from "./woodbury.js";
