/** On which backends and dtypes an example can be run. */

import type { Backend } from "../backend/backend.js";
import type { DType } from "../dtype.js";
import { aval, type Aval } from "../primitives/primitive.js";
import { sizeOf } from "../shape.js";
import type { Entry, Example } from "./example.js";

/** An example of a primitive, to be run on a backend with operands of a dtype. */
export interface Situation {
  readonly backend: Backend;
  readonly dtype: DType;
  readonly entry: Entry;
  readonly example: Example;
  /** Factor of every tolerance. */
  readonly tolerance: number;
  /** Whether jit gives the bits of eager evaluation. */
  readonly sameBits: boolean;
}

/** The examples of a primitive that a backend can run in a dtype. */
export function situationsOf(
  backend: Backend,
  entry: Entry,
  dtype: DType,
  { tolerance, sameBits }: Pick<Situation, "tolerance" | "sameBits">,
): Situation[] {
  return entry.examples
    .filter((example) => (example.dtypes ?? entry.dtypes).includes(dtype) && possible(backend, entry, example, dtype))
    .map((example) => ({ backend, dtype, entry, example, tolerance, sameBits }));
}

/**
 * Whether the backend has what the example needs: NaN and infinities, the dtypes of operands and results. What an operation makes of empty
 * operands is answered on the host, which needs the others at once; the public functions never ask for it.
 */
function possible({ capabilities }: Backend, { primitive }: Entry, example: Example, dtype: DType): boolean {
  if (!capabilities.nonFinite && example.smooth === null) return false;
  const inputs = example.operands.map((operand) => aval(operand.shape, operand.dtype ?? dtype));
  const outs = primitive.shape(inputs, example.params);
  const isEmpty = (x: Aval): boolean => sizeOf(x.shape) === 0;
  const mixed = inputs.some(isEmpty) && !inputs.every(isEmpty) && !outs.every(isEmpty);
  if (mixed && !capabilities.syncRead) return false;
  return [...inputs, ...outs].every((x) => capabilities.dtypes.includes(x.dtype));
}
