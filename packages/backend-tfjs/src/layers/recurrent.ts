/** Recurrent layers: a scan over the steps of [N, T, …]. A masked step carries the state over. */

import { concat, flip, scan, stack, zeros, type Tensor } from "@curv/tensor";
import { activationOf } from "./activations.js";
import { convolve, kernelToFront, lengthAfter, perAxis } from "./convolution.js";
import { channelsFirst } from "./core.js";
import { cellNoise, refuseNoise } from "./noise.js";
import {
  refuse,
  weight,
  type LayerCall,
  type LayerFunction,
  type LayerParams,
  type LayerResult,
  type LiveLayer,
} from "./layer.js";

/** From a step's input [N, in] and states to the next states; the first is the output. */
type Cell = (x: Tensor, states: readonly Tensor[]) => readonly Tensor[];

type Step = Pick<Tensor, "shape" | "dtype">;

/** A cell by itself: what it is made of, and the inputs of its first step. */
interface CellCall extends Pick<LayerCall, "layer" | "config" | "params" | "training"> {
  readonly step: Step;
}

interface Recurrence {
  /** Zeros to start from. */
  readonly start: readonly Tensor[];
  readonly cell: Cell;
}

type CellMaker = (call: CellCall) => Recurrence;

/** What all cells have: x K + b, h R, the activations, columns of gates, and what is dropped. */
function parts(call: CellCall) {
  const { layer, config, params, step } = call;
  const units = config.units as number;
  const [kernel, recurrent] = [weight(call, "kernel"), weight(call, "recurrent_kernel")];
  const bias = (params.bias as Tensor | undefined) ?? null;
  const like = (length: number): Step => ({ shape: [step.shape[0], length], dtype: step.dtype });
  const noise = cellNoise(call, like(kernel.shape[0]), like(units));
  return {
    units,
    recurrent,
    start: (count: number) => Array.from({ length: count }, () => zeros([step.shape[0], units], { dtype: step.dtype })),
    input: (x: Tensor) => {
      const y = noise.input(x).matmul(kernel);
      return bias === null ? y : y.add(bias);
    },
    state: noise.state,
    activation: activationOf(layer, config.activation),
    gate: activationOf(layer, config.recurrentActivation),
    column: (t: Tensor, i: number) => t.slice(null, [i * units, (i + 1) * units]),
  };
}

const simple: CellMaker = (call) => {
  const { start, recurrent, input, state, activation } = parts(call);
  return { start: start(1), cell: (x, [h]) => [activation(input(x).add(state(h).matmul(recurrent)))] };
};

/** Gates i, f, c, o. Hochreiter & Schmidhuber (1997) with the forget gate of Gers et al. (2000). */
const lstm: CellMaker = (call) => {
  const { start, recurrent, input, state, activation, gate, column } = parts(call);
  return {
    start: start(2),
    cell: (x, [h, c]) => {
      const z = input(x).add(state(h).matmul(recurrent));
      const next = gate(column(z, 1))
        .mul(c)
        .add(gate(column(z, 0)).mul(activation(column(z, 2))));
      return [gate(column(z, 3)).mul(activation(next)), next];
    },
  };
};

/** Gates z, r, h; the reset comes before the product, as in the first version of Cho et al. (2014). */
const gru: CellMaker = (call) => {
  refuse(call.layer, call.config.resetAfter === true, "resets after the product");
  const { units, start, recurrent, input, state, activation, gate, column } = parts(call);
  return {
    start: start(1),
    cell: (x, [before]) => {
      const h = state(before); // What is dropped is dropped from what is carried over, too.
      const u = input(x);
      const zr = h.matmul(recurrent.slice(null, [0, 2 * units]));
      const z = gate(column(u, 0).add(column(zr, 0)));
      const r = gate(column(u, 1).add(column(zr, 1)));
      const candidate = activation(column(u, 2).add(r.mul(h).matmul(column(recurrent, 2))));
      return [z.mul(h).add(z.neg().add(1).mul(candidate))];
    },
  };
};

/** The LSTM whose products are convolutions of images [N, H, W, C] (Shi et al. 2015, without peepholes); that of the state keeps its size. */
const convolutionalLstm: CellMaker = (cellCall) => {
  const { layer, config, params, step } = cellCall;
  const call = { layer, config, params, inputs: [], masks: [] };
  refuseNoise(cellCall);
  refuse(layer, channelsFirst(call), "has its channels first");
  const filters = config.filters as number;
  const [kernel, recurrent] = [weight(call, "kernel"), weight(call, "recurrent_kernel")];
  const bias = (params.bias as Tensor | undefined) ?? null;
  const [activation, gate] = [activationOf(layer, config.activation), activationOf(layer, config.recurrentActivation)];
  const ofState = { ...call, config: { padding: "same" } };
  const [n, ...image] = step.shape;
  const [strides, dilation] = [perAxis(config.strides, 2), perAxis(config.dilationRate, 2)];
  const size = [0, 1].map((i) =>
    lengthAfter(config.padding, image[i], (kernel.shape[i] - 1) * dilation[i] + 1, strides[i]),
  );
  const nothing = zeros([n, ...size, filters], { dtype: step.dtype });
  return {
    start: [nothing, nothing],
    cell: (x, [h, c]) => {
      const u = convolve(call, x, kernelToFront(kernel));
      const z = (bias === null ? u : u.add(bias)).add(convolve(ofState, h, kernelToFront(recurrent)));
      const [i, f, candidate, o] = [0, 1, 2, 3].map((k) => z.slice(null, null, null, [k * filters, (k + 1) * filters]));
      const next = gate(f)
        .mul(c)
        .add(gate(i).mul(activation(candidate)));
      return [gate(o).mul(activation(next)), next];
    },
  };
};

/** Cells one on the other. Their states stand in the reverse order, so that the first is the output of the last. */
const stacked: CellMaker = ({ layer, params, training, step }) => {
  let below = step;
  const parts = layer.cells!.map((cell, i) => {
    const own = { layer: cell, config: cell.getConfig(), params: params[cellName(i)] as LayerParams };
    const recurrence = recurrenceOf(
      training === undefined ? { ...own, step: below } : { ...own, step: below, training },
    );
    [below] = recurrence.start;
    return recurrence;
  });
  return {
    start: [...parts].reverse().flatMap(({ start }) => start),
    cell: (x, states) => {
      const nexts: (readonly Tensor[])[] = [];
      let end = states.length;
      let input = x;
      for (const { start, cell } of parts) {
        const next = cell(input, states.slice(end - start.length, end));
        nexts.unshift(next);
        [input] = next;
        end -= start.length;
      }
      return nexts.flat();
    },
  };
};

/** Name of a stacked cell in the tree of weights. */
export function cellName(i: number): string {
  return `cell_${i}`;
}

/** Whether a cell has a class that is known; of a stack, all of its cells. */
export function isKnownCell(layer: LiveLayer): boolean {
  return Object.hasOwn(cells, layer.getClassName()) && (layer.cells ?? []).every(isKnownCell);
}

function recurrenceOf(call: CellCall): Recurrence {
  return cells[call.layer.getClassName()](call);
}

const cells: Readonly<Record<string, CellMaker>> = {
  SimpleRNN: simple,
  SimpleRNNCell: simple,
  GRU: gru,
  GRUCell: gru,
  LSTM: lstm,
  LSTMCell: lstm,
  ConvLSTM2DCell: convolutionalLstm,
  StackedRNNCells: stacked,
};

/** [N, T, …] as [T, N, …] and back. */
const swapped = (x: Tensor): Tensor => x.transpose([1, 0, ...Array.from({ length: x.rank - 2 }, (_, i) => i + 2)]);

const recurrent: LayerFunction = ({ layer, config, params, inputs, masks, states, training }) => {
  const [x, ...given] = inputs;
  const own = ["RNN", "ConvLSTM2D"].includes(layer.getClassName()) ? layer.cell! : layer;
  const step = { shape: [x.shape[0], ...x.shape.slice(2)], dtype: x.dtype };
  const call = { layer: own, config: own === layer ? config : own.getConfig(), params, step };
  const { start: empty, cell } = recurrenceOf(training === undefined ? call : { ...call, training });
  refuse(layer, given.length > 0 && given.length !== empty.length, `takes ${given.length} initial states`);
  const first = given.length > 0 ? given : (states ?? empty);
  const back = config.goBackwards === true;
  const inOrder = (t: Tensor): Tensor => (back ? flip(t, 0) : t);
  const steps = inOrder(swapped(x));
  const [mask] = masks;
  const marks =
    mask === null
      ? null
      : inOrder(swapped(mask.cast(x.dtype))).reshape([x.shape[1], x.shape[0], ...empty[0].shape.slice(1).map(() => 1)]);
  const advance = (state: readonly Tensor[], step: Tensor, live: Tensor | null): Tensor[] =>
    cell(step, state).map((next, i) => {
      if (live === null) return next;
      return next.mul(live).add(state[i].mul(live.neg().add(1)));
    });
  const [last, all] =
    marks === null
      ? scan(
          (state: Tensor[], step: Tensor) => {
            const next = advance(state, step, null);
            return [next, next[0]] as [Tensor[], Tensor];
          },
          [...first],
          steps,
        )
      : scan(
          (state: Tensor[], { step, live }: { step: Tensor; live: Tensor }) => {
            const next = advance(state, step, live);
            return [next, next[0]] as [Tensor[], Tensor];
          },
          [...first],
          { step: steps, live: marks },
        );
  const output = config.returnSequences === true ? swapped(all) : last[0];
  const outputs = config.returnState === true ? [output, ...last] : [output];
  const kept = config.stateful === true ? { states: last } : {};
  return { outputs, mask: config.returnSequences === true ? mask : null, ...kept };
};

/** Runs a layer of the table; for wrappers. */
type Apply = (call: LayerCall) => LayerResult;

/** One layer forwards and one backwards in time, whose results are merged. */
export const bidirectional =
  (apply: Apply): LayerFunction =>
  ({ layer, config, params, inputs, masks, training }) => {
    const forward = layer.forwardLayer!;
    const backward = layer.backwardLayer!;
    const run = (part: LiveLayer, name: string): LayerResult => {
      const settings = part.getConfig();
      refuse(layer, settings.returnState === true, "returns states");
      refuse(layer, settings.stateful === true, "keeps states of two directions between calls");
      refuse(layer, inputs.length > 1, "takes initial states");
      const call = { layer: part, config: settings, params: params[name] as LayerParams, inputs, masks };
      return apply(training === undefined ? call : { ...call, training });
    };
    const [f, b] = [run(forward, "forward"), run(backward, "backward")];
    const sequences = forward.getConfig().returnSequences === true;
    const [x, y] = [f.outputs[0], sequences ? flip(b.outputs[0], 1) : b.outputs[0]];
    const mask = f.mask ?? null;
    switch (config.mergeMode) {
      case "sum":
        return { outputs: [x.add(y)], mask };
      case "mul":
        return { outputs: [x.mul(y)], mask };
      case "ave":
        return { outputs: [x.add(y).mul(0.5)], mask };
      case "concat":
      case undefined:
        return { outputs: [concat([x, y], -1)], mask };
      default:
        return { outputs: [x, y], mask };
    }
  };

/**
 * A layer applied to every step: steps are further examples. While the model trains they are not: each step has its own noise and statistics,
 * as in TensorFlow.js, and what they move goes on from step to step.
 */
export const timeDistributed =
  (apply: Apply): LayerFunction =>
  ({ layer, params, inputs: [x], training }) => {
    const inner = layer.layer!;
    const config = inner.getConfig();
    const [n, steps, ...rest] = x.shape;
    if (training === undefined) {
      const call = { layer: inner, config, params, inputs: [x.reshape([n * steps, ...rest])], masks: [null] };
      const [y] = apply(call).outputs;
      return y.reshape([n, steps, ...y.shape.slice(1)]);
    }
    let moved: Readonly<Record<string, Tensor>> = {};
    const outputs = Array.from({ length: steps }, (_, i) => {
      const inputs = [x.slice(null, i)];
      const result = apply({ layer: inner, config, params: { ...params, ...moved }, inputs, masks: [null], training });
      moved = { ...moved, ...result.moved };
      return result.outputs[0];
    });
    return { outputs: [stack(outputs, 1)], moved };
  };

export const recurrentLayers: Readonly<Record<string, LayerFunction>> = {
  SimpleRNN: recurrent,
  GRU: recurrent,
  LSTM: recurrent,
  RNN: recurrent,
  ConvLSTM2D: recurrent,
};
