/**
 * Checks of values: errors that depend on data.
 *
 * A primitive never throws for its values; it writes NaN or a fill. The public function then binds `check`. With concrete operands it
 * throws at once; in a graph it is an equation with an effect and no outputs, and throws when the graph runs. The lanes of a batch are
 * tested one by one, and a guard (added when a branch or a frozen row of a loop makes lanes meaningless) switches lanes off.
 */

import type { CurvError } from "../errors.js";
import type { TypedArray } from "../dtype.js";
import { deferError, peek } from "../backend/read.js";
import { broadcastTo } from "../ops/movement.js";
import { sizeOf } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { bind } from "../transform/trace.js";
import { definePrimitive, type HostArray, type Primitive } from "./primitive.js";

export interface CheckParams {
  /** Rank of each operand for one lane. */
  readonly ranks: readonly number[];
  /** Whether the last operand is a bool guard with the axes of the lanes alone. */
  readonly guarded: boolean;
  /** The error that the elements of one lane call for, or null. */
  readonly test: (...operands: readonly TypedArray[]) => CurvError | null;
}

export const checkPrimitive: Primitive<CheckParams> = /* @__PURE__ */ definePrimitive<CheckParams>({
  name: "check",
  effect: true,
  shape: () => [],
  batch: (inputs, batched, params, size) =>
    // Every operand gets the lane axis, so that lanes pair up.
    bind(
      checkPrimitive,
      inputs.map((x, i) => (batched[i] ? x : broadcastTo(x, [size, ...x.shape]))),
      params,
    ),
  interpret: (inputs, params) => {
    runCheck(inputs, params);
    return [];
  },
});

function runCheck(inputs: readonly Tensor[], params: CheckParams): void {
  const firstOf = (data: readonly TypedArray[]): CurvError | null =>
    firstError(
      data.map((buffer, i) => ({ shape: inputs[i].shape, buffer })),
      params,
    );
  const data = inputs.map((x) => peek(x));
  if (data.every((d) => d !== null)) {
    const error = firstOf(data);
    if (error !== null) throw error;
    return;
  }
  // Nothing can be read at once: the error waits for whoever reads from this backend next.
  deferError(inputs[0].owner!, Promise.all(inputs.map((x) => x.owner!.download(x))).then(firstOf));
}

/** The error of the first lane of `operands` that has one, or null. A backend calls it where a graph has a `check`. */
export function firstError(
  operands: readonly Pick<HostArray, "shape" | "buffer">[],
  { ranks, guarded, test }: CheckParams,
): CurvError | null {
  const live = guarded ? operands[operands.length - 1].buffer : null;
  const [{ shape }] = operands;
  const lanes = sizeOf(shape.slice(0, shape.length - ranks[0]));
  for (let lane = 0; lane < lanes; lane++) {
    if (live !== null && live[live.length === 1 ? 0 : lane] === 0) continue;
    const own = ranks.map((rank, i) => {
      const { shape, buffer } = operands[i];
      const size = sizeOf(shape.slice(shape.length - rank));
      return lanes === 1 ? buffer : buffer.subarray(lane * size, (lane + 1) * size);
    });
    const error = test(...own);
    if (error !== null) return error;
  }
  return null;
}

/** Throws what `test` returns for the elements of any lane of `operands`, now or when the graph that is being traced runs. */
export function check(operands: readonly Tensor[], ranks: readonly number[], test: CheckParams["test"]): void {
  bind(checkPrimitive, operands, { ranks, guarded: false, test });
}
