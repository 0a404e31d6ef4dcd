/** Elementwise kernels: one pass that reads some arrays and writes others. */

import { itemSize } from "../../dtype.js";
import { storeLane, storeVector } from "./access.js";
import type { LaneCount } from "./elementwise.js";
import { ExpressionWriter, type Expression } from "./expression.js";
import { endLocal, nest, startLocal, withCursors, type StridedStream } from "./loops.js";
import { FunctionBody, i32 } from "./module.js";

/** A stream that is read, and its value in the expressions. */
export interface Load {
  readonly stream: StridedStream;
  readonly value: Expression;
}

export interface Store {
  readonly stream: StridedStream;
  readonly value: Expression;
}

/** Axes are collapsed; every stream has stride 0 or 1 along the last one, stores are row-major. */
export interface MapKernel {
  readonly shape: readonly number[];
  readonly lanes: LaneCount;
  readonly loads: readonly Load[];
  readonly stores: readonly Store[];
}

/** kernel(base, start, end) for a range of the first axis; of a single axis, `start` is a multiple of the lanes. */
export function emitMap(kernel: MapKernel): FunctionBody {
  const { shape, loads, stores } = kernel;
  const body = new FunctionBody([i32, i32, i32]);
  const streams = [...loads, ...stores].map(({ stream }) => stream);
  const last = shape.length - 1;
  if (last === 0) {
    // The end of a whole array may be overwritten up to the next full vector: arrays are padded.
    nestFlat(body, kernel, streams);
  } else {
    nest(body, streams, shape.slice(0, last), () =>
      withCursors(body, streams, () => {
        const n = shape[last];
        const whole = n - (n % kernel.lanes);
        if (whole > 0) {
          const counter = body.local();
          body.int(0).set(counter);
          vectors(body, kernel, counter, () => body.int(whole));
          body.release(counter);
        }
        if (whole < n) rest(body, kernel, n - whole);
      }),
    );
  }
  return body;
}

function nestFlat(body: FunctionBody, kernel: MapKernel, streams: readonly StridedStream[]): void {
  // One axis, walked here and not by `nest`: its pointers start at `start`.
  const counter = body.local();
  nest(body, streams, [], () => {
    for (const stream of streams) {
      const bytes = stream.strides[0] * itemSize(stream.dtype);
      if (bytes !== 0) body.get(stream.pointer).get(startLocal).int(bytes).emit(0x6c, 0x6a).set(stream.pointer);
    }
    body.get(startLocal).set(counter);
    vectors(body, kernel, counter, () => body.get(endLocal));
  });
}

/** Whole vectors from `counter` to the end. */
function vectors(
  body: FunctionBody,
  { shape, lanes, loads, stores }: MapKernel,
  counter: number,
  end: () => void,
): void {
  const last = shape.length - 1;
  const plans = stores.map(({ stream, value }) => storeVector(stream, value, lanes));
  const writer = new ExpressionWriter(
    body,
    plans.map(({ value }) => value),
  );
  for (const { stream, value } of loads) if (stream.strides[last] === 0) writer.keep(value);
  body.countUp(counter, end, lanes, () => {
    for (const { value, write } of plans) write(body, () => writer.write(value));
    for (const { stream } of [...loads, ...stores]) {
      body.increment(stream.pointer, lanes * stream.strides[last] * itemSize(stream.dtype));
    }
  });
  writer.end();
}

/** The last `count` lanes of a row, which must not write beyond it. */
function rest(body: FunctionBody, { lanes, stores }: MapKernel, count: number): void {
  const plans = stores.map(({ stream, value }) => ({ ...storeVector(stream, value, lanes), stream }));
  const writer = new ExpressionWriter(
    body,
    plans.map(({ value }) => value),
  );
  // All is read before anything is written.
  for (const { value } of plans) writer.keep(value);
  for (const { value, stream } of plans) {
    for (let lane = 0; lane < count; lane++) storeLane(stream, lane)(body, () => writer.write(value));
  }
  writer.end();
}
