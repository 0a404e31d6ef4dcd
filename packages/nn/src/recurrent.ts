/** What the recurrent layers share: two affine maps for all gates together, and a loop over the steps. */

import { concat, DomainError, moveAxis, scan, zeros, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { checkBranches, checkSequence, checkSize } from "./arguments.js";
import { dense, type DenseParams } from "./dense.js";
import type { Initializer, InitializerOptions } from "./init/initializer.js";
import { orthogonal } from "./init/orthogonal.js";
import { lecun } from "./init/variance-scaling.js";
import { stateless, type InitOptions, type Stateless } from "./layer.js";

export interface RecurrentOptions {
  /** Number of input features. */
  readonly in: number;
  /** Number of features of the hidden state, which is the output. */
  readonly out: number;
  /** What is returned: the hidden state after each step, [..., length, out], or after the last, [..., out]. Default "sequence". */
  readonly output?: "sequence" | "last";
  /** Whether to begin at the end; outputs stay at their inputs' places. Default false. */
  readonly reverse?: boolean;
  /** Whether the maps have biases. Default true. */
  readonly bias?: boolean;
  /** Of the map of the inputs. Default `init.lecun()`. */
  readonly weightInit?: Initializer;
  /** Of the map of the hidden state, for each gate by itself. Default `init.orthogonal()`. */
  readonly recurrentInit?: Initializer;
}

/** Those of two dense layers, whose outputs are those of all gates, one gate after another. */
export interface RecurrentParams {
  /** Of the inputs: weight [gates·out, in], bias [gates·out]. PyTorch's `weight_ih_l0`, `bias_ih_l0`. */
  readonly input: DenseParams;
  /** Of the hidden state: weight [gates·out, out], bias [gates·out]. PyTorch's `weight_hh_l0`, `bias_hh_l0`. */
  readonly hidden: DenseParams;
}

/** A recurrent layer with a state S between steps. */
export interface Recurrent<S> extends Stateless<RecurrentParams> {
  readonly options: RecurrentOptions;
  /** The state after one step with the input x, [..., in]. */
  step(params: RecurrentParams, x: Tensor, state: S): S;
  /** All steps over x, [..., length, in], from an initial state, by default zeros. */
  unroll(params: RecurrentParams, x: Tensor, initial?: S): Unrolled<S>;
}

export interface Unrolled<S> {
  /** The hidden state after each step, [..., length, out]. */
  readonly outputs: Tensor;
  /** The state after the last step. */
  readonly final: S;
}

/** What is particular to a recurrent layer. */
export interface Cell<S> {
  readonly name: string;
  readonly gates: number;
  /** The state after a step, from what the maps make of the input and of the hidden state, both [..., gates·out]. */
  readonly next: (fromInput: Tensor, fromHidden: Tensor, state: S, out: number) => S;
  readonly hidden: (state: S) => Tensor;
  /** A state of zeros, like this hidden state. */
  readonly start: (hidden: Tensor) => S;
  /** Refuses a state whose parts do not have this shape. */
  readonly check: (state: S, shape: readonly number[]) => void;
  /** The bias of the inputs before training, from zeros; default those. */
  readonly biasInit?: Initializer;
}

/** `scan`, for a tree of tensors whose type is not known here. */
const loop = scan as unknown as <S>(
  body: (state: S, x: Tensor) => readonly [S, Tensor],
  start: S,
  xs: Tensor,
  options: { readonly reverse: boolean },
) => [S, Tensor];

/** The layer of a cell. */
export function recurrent<S>(cell: Cell<S>, options: RecurrentOptions): Recurrent<S> {
  const { in: inputs, out, output = "sequence", reverse = false, bias = true } = options;
  const { weightInit = lecun(), recurrentInit = orthogonal() } = options;
  checkSize(inputs, cell.name, "in");
  checkSize(out, cell.name, "out");
  if (output !== "sequence" && output !== "last") {
    throw new DomainError(`${cell.name}: output is "${String(output)}"; wants "sequence" or "last".`);
  }
  const rows = cell.gates * out;
  const biasInit = cell.biasInit === undefined ? {} : { biasInit: cell.biasInit };
  const input = dense({ in: inputs, out: rows, bias, ...biasInit, weightInit: perGate(weightInit, cell.gates) });
  const hidden = dense({ in: out, out: rows, bias, weightInit: perGate(recurrentInit, cell.gates) });

  const step = (params: RecurrentParams, fromInput: Tensor, state: S): S =>
    cell.next(fromInput, hidden.apply(params.hidden, cell.hidden(state)), state, out);

  const unroll = (params: RecurrentParams, x: Tensor, initial?: S): Unrolled<S> => {
    checkBranches(params, ["input", "hidden"], cell.name, "params");
    checkSequence(x, inputs, cell.name);
    // One product for the inputs of all steps; the loop has only what depends on the state.
    const fromInput = moveAxis(input.apply(params.input, x), -2, 0);
    const shape = [...fromInput.shape.slice(1, -1), out];
    if (initial !== undefined) cell.check(initial, shape);
    const start = initial ?? cell.start(zeros(shape, { dtype: fromInput.dtype }));
    const [final, outputs] = loop(
      (state, row) => {
        const next = step(params, row, state);
        return [next, cell.hidden(next)];
      },
      start,
      fromInput,
      { reverse },
    );
    return { outputs: moveAxis(outputs, 0, -2), final };
  };

  return {
    name: cell.name,
    options,
    init: (key, initOptions: InitOptions = {}) => {
      const [inputKey, hiddenKey] = random.split(key);
      return { input: input.init(inputKey, initOptions), hidden: hidden.init(hiddenKey, initOptions) };
    },
    ...stateless((params: RecurrentParams, x) => {
      const { outputs, final } = unroll(params, x);
      return output === "last" ? cell.hidden(final) : outputs;
    }),
    step: (params, x, state) => {
      checkBranches(params, ["input", "hidden"], cell.name, "params");
      cell.check(state, [...x.shape.slice(0, -1), out]);
      return step(params, input.apply(params.input, x), state);
    },
    unroll,
  };
}

/** Each gate's weight drawn by itself. */
function perGate(init: Initializer, gates: number): Initializer {
  return (key, [rows, columns], { dtype }: InitializerOptions = {}) => {
    const options = dtype === undefined ? {} : { dtype };
    return concat(random.split(key, gates).map((k) => init(k, [rows / gates, columns], options)));
  };
}
