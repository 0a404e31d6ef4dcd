/**
 * Checks of values: errors that depend on data.
 *
 * A primitive never throws for its values; it writes NaN or a fill. The public function then binds `check`. With concrete operands it
 * throws at once; in a graph it is an equation with an effect and no outputs, and throws when the graph runs. The lanes of a batch are
 * tested one by one, and a guard (added when a branch or a frozen row of a loop makes lanes meaningless) switches lanes off.
 */

import { BackendError, type CurvError } from "../errors.js";
import type { TypedArray } from "../dtype.js";
import { peek } from "../backend/read.js";
import { broadcastTo } from "../ops/movement.js";
import { sizeOf } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { bind } from "../transform/trace.js";
import { definePrimitive, type Primitive } from "./primitive.js";

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

function runCheck(inputs: readonly Tensor[], { ranks, guarded, test }: CheckParams): void {
  const operands = guarded ? inputs.slice(0, -1) : inputs;
  const guard = guarded ? inputs[inputs.length - 1] : null;
  const lanes = sizeOf(operands[0].shape.slice(0, operands[0].rank - ranks[0]));
  const data = operands.map((x) => peek(x));
  const on = guard === null ? null : peek(guard);
  if (data.some((d) => d === null)) {
    throw new BackendError(
      "check: this backend cannot read synchronously; it must report failed checks when a result is read.",
    );
  }
  for (let lane = 0; lane < lanes; lane++) {
    if (on !== null && on[on.length === 1 ? 0 : lane] === 0) continue;
    const error = test(
      ...data.map((d, i) => {
        const size = sizeOf(operands[i].shape.slice(operands[i].rank - ranks[i]));
        return lanes === 1 ? d! : d!.subarray(lane * size, (lane + 1) * size);
      }),
    );
    if (error !== null) throw error;
  }
}

/** Throws what `test` returns for the elements of any lane of `operands`, now or when the graph that is being traced runs. */
export function check(operands: readonly Tensor[], ranks: readonly number[], test: CheckParams["test"]): void {
  bind(checkPrimitive, operands, { ranks, guarded: false, test });
}
