/** Work on a batch of matrices that lies in the kernels' memory, as this thread leaves it and a worker finds it. */

import { itemSize, type DType, type TypedArray } from "../dtype.js";
import { view } from "../memory.js";
import type { PrimitiveRecord } from "../primitives/primitive.js";
import { sizeOf, type Shape } from "../shape.js";

/** What a primitive does to arrays on the host. */
export type Lowering<P> = NonNullable<PrimitiveRecord<P>["lower"]>;

/** An array with the batch as its first axis. */
export interface BatchArray {
  readonly address: number;
  readonly dtype: DType;
  /** Of what belongs to one matrix. */
  readonly shape: Shape;
}

export interface BatchJob<P = unknown> {
  readonly primitive: string;
  readonly params: P;
  readonly inputs: readonly BatchArray[];
  readonly outs: readonly BatchArray[];
}

/** Room for an encoded job: names, flags, and some addresses. */
export const mostJobBytes = 4096;

/** The job as bytes: their number, and JSON. */
export function encodeJob(job: BatchJob): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify(job));
  const bytes = new Uint8Array(4 + text.length);
  new DataView(bytes.buffer).setInt32(0, text.length, true);
  bytes.set(text, 4);
  return bytes;
}

export function decodeJob(buffer: ArrayBufferLike, address: number): BatchJob {
  const length = new DataView(buffer).getInt32(address, true);
  // A copy: text in shared memory is not decoded.
  const text = new Uint8Array(buffer, address + 4, length).slice();
  return JSON.parse(new TextDecoder().decode(text)) as BatchJob;
}

/** Does matrices start … end − 1 of a job. */
export function runBatch<P>(
  buffer: ArrayBufferLike,
  { params, inputs, outs }: BatchJob<P>,
  lower: Lowering<P>,
  start: number,
  end: number,
): void {
  const count = end - start;
  const part = ({ address, dtype, shape }: BatchArray): TypedArray => {
    const size = sizeOf(shape);
    return view(dtype, buffer, address + start * size * itemSize(dtype), count * size);
  };
  const results = lower(
    inputs.map((x) => ({ dtype: x.dtype, shape: [count, ...x.shape], buffer: part(x) })),
    params,
    outs.map(({ dtype, shape }) => ({ dtype, shape: [count, ...shape], weak: false })),
  );
  results.forEach((result, i) => part(outs[i]).set(result));
}
