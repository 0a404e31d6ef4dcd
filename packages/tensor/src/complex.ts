/** Complex numbers, as every function of Curv takes and gives them. */

import type { Tensor } from "./tensor.js";

/** Complex numbers as a pair of real tensors of one shape and dtype: a tree like any other. */
export interface Complex {
  readonly re: Tensor;
  readonly im: Tensor;
}
