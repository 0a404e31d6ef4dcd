/** Gated recurrent units. */

import { sigmoid, split, tanh, type Tensor } from "@curv/tensor";
import { checkLeaf } from "./arguments.js";
import { recurrent, type Cell, type Recurrent, type RecurrentOptions } from "./recurrent.js";

/** Its state is the hidden state h, [..., out]. */
export interface Gru extends Recurrent<Tensor> {
  readonly name: "gru";
}

const cell: Cell<Tensor> = {
  name: "gru",
  gates: 3,
  next: (fromInput, fromHidden, h) => {
    const [xr, xz, xn] = split(fromInput, 3, -1);
    const [hr, hz, hn] = split(fromHidden, 3, -1);
    const r = sigmoid(xr.add(hr));
    const z = sigmoid(xz.add(hz));
    const n = tanh(xn.add(r.mul(hn)));
    return n.add(z.mul(h.sub(n))); // (1 − z) n + z h
  },
  hidden: (h) => h,
  start: (zeros) => zeros,
  check: (h, shape) => void checkLeaf(h, shape, "gru", "state"),
};

/**
 * Gated recurrent unit over [..., length, in], with PyTorch's conventions. From h₋₁ = 0, for each step
 *
 * r = σ(W_ir x + b_ir + W_hr h + b_hr), z = σ(W_iz x + b_iz + W_hz h + b_hz), n = tanh(W_in x + b_in + r (W_hn h + b_hn)),
 * h ← (1 − z) n + z h,
 *
 * with the rows of `input.weight` (W_i) and `hidden.weight` (W_h) in the order r, z, n. The reset gate acts after the product with W_hn, so
 * that the two maps have biases of their own (Keras: `reset_after`); the 2014 paper has it before, and names z and 1 − z the other way round.
 *
 * `apply` starts at zeros; `unroll` takes and returns a state, `step` goes one step. For more layers use `sequential`.
 *
 * @throws DomainError for sizes that are no positive integers; ShapeError, when applied, for other features or a state that does not fit.
 * Source: Cho et al., Learning Phrase Representations using RNN Encoder–Decoder (2014), eq. 5–8.
 *
 * @example
 * const model = sequential([gru({ in: 3, out: 16, output: "last" }), dense({ in: 16, out: 2 })]);
 */
export function gru(options: RecurrentOptions): Gru {
  return { ...recurrent(cell, options), name: "gru" };
}
