/** Long short-term memory. */

import { concat, full, sigmoid, split, tanh, type Tensor } from "@curv/tensor";
import { checkBranches, checkLeaf } from "./arguments.js";
import { recurrent, type Cell, type Recurrent, type RecurrentOptions } from "./recurrent.js";

export interface LstmState {
  /** Hidden state, which is the output: [..., out]. */
  readonly h: Tensor;
  /** Memory, [..., out]. */
  readonly c: Tensor;
}

export interface Lstm extends Recurrent<LstmState> {
  readonly name: "lstm";
}

const cell: Cell<LstmState> = {
  name: "lstm",
  gates: 4,
  next: (fromInput, fromHidden, { c }) => {
    const [i, f, g, o] = split(fromInput.add(fromHidden), 4, -1);
    const memory = sigmoid(f)
      .mul(c)
      .add(sigmoid(i).mul(tanh(g)));
    return { h: sigmoid(o).mul(tanh(memory)), c: memory };
  },
  hidden: ({ h }) => h,
  start: (zeros) => ({ h: zeros, c: zeros }),
  check: (state, shape) => {
    checkBranches(state, ["h", "c"], "lstm", "state");
    checkLeaf(state.h, shape, "lstm", "state.h");
    checkLeaf(state.c, shape, "lstm", "state.c");
  },
  biasInit: (_key, [rows], { dtype } = {}) => {
    const options = dtype === undefined ? {} : { dtype };
    return concat([0, 1, 0, 0].map((value) => full([rows / 4], value, options)));
  },
};

/**
 * Long short-term memory over [..., length, in], with PyTorch's conventions. From h₋₁ = c₋₁ = 0, for each step
 *
 * i = σ(W_ii x + b_ii + W_hi h + b_hi), f = σ(W_if x + …), g = tanh(W_ig x + …), o = σ(W_io x + …),
 * c ← f c + i g, h ← o tanh(c),
 *
 * with the rows of `input.weight` (W_i) and `hidden.weight` (W_h) in the order i, f, g, o. The bias of the forget gate starts at 1
 * (Jozefowicz, Zaremba & Sutskever 2015), all others at 0. The biases of the two maps enter as their sum: along b_i − b_h every loss is flat.
 *
 * `apply` starts at zeros; `unroll` takes and returns a state, `step` goes one step. For more layers use `sequential`.
 *
 * @throws DomainError for sizes that are no positive integers; ShapeError, when applied, for other features or a state that does not fit.
 * Source: Hochreiter & Schmidhuber, Long Short-Term Memory (1997), with the forget gate of Gers, Schmidhuber & Cummins (2000).
 *
 * @example
 * const model = sequential([lstm({ in: 3, out: 16 }), lstm({ in: 16, out: 16, output: "last" }), dense({ in: 16, out: 2 })]);
 */
export function lstm(options: RecurrentOptions): Lstm {
  return { ...recurrent(cell, options), name: "lstm" };
}
