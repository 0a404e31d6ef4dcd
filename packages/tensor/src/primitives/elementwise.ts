/** What all elementwise primitives share: NumPy broadcasting of their operands, batching by aligning ranks, sums over broadcast axes. */

import type { DType } from "../dtype.js";
import { bind, bind1 } from "../transform/trace.js";
import { allocate } from "../memory.js";
import { broadcastRuns } from "../cpu/strided.js";
import { mapUnary } from "../cpu/unary-map.js";
import type { BinaryKernels } from "../cpu/kernels/binary.js";
import type { UnaryKernels } from "../cpu/kernels/unary.js";
import { reshape, broadcastTo } from "../ops/movement.js";
import { sumTo } from "../ops/reduce.js";
import { broadcastShapes, sameShape, sizeOf } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { aval, definePrimitive, type Aval, type HostArray, type Primitive, type Tangent } from "./primitive.js";

/** A unary or binary elementwise primitive: eager calls take its kernels directly. */
export interface ElementwisePrimitive<K> extends Primitive<null> {
  readonly kernels: K;
}

interface UnaryRules {
  readonly kernels: UnaryKernels;
  /** ẏ from y, x, ẋ. Absent: piecewise constant. */
  jvp?(y: Tensor, x: Tensor, dx: Tensor): Tangent;
  /** x̄ from ȳ, for the linear ones. */
  transpose?(cotangent: Tensor): Tangent;
  /** Dtype of the result, if it is not that of the operand. */
  readonly result?: DType;
}

export function unary(name: string, rules: UnaryRules): ElementwisePrimitive<UnaryKernels> {
  const { kernels, jvp, transpose, result } = rules;
  const primitive: Primitive<null> = definePrimitive<null>({
    name,
    loop: "elementwise",
    shape: ([x]) => (result === undefined ? [x] : [aval(x.shape, result)]),
    ...(jvp && { jvp: ([x], [dx], _params, [y]) => [jvp(y, x, dx!)] }),
    ...(transpose && { transpose: ([cotangent]) => [transpose(cotangent!)] }),
    batch: (inputs) => bind(primitive, inputs, null),
    lower: ([x], _params, [out]) => {
      const y = allocate(out.dtype, x.buffer.length);
      mapUnary(name, kernels, x.dtype, x.buffer, y);
      return [y];
    },
  });
  return Object.assign(primitive, { kernels });
}

interface BinaryRules {
  readonly kernels: BinaryKernels;
  /** Contributions of ẋ and ẏ (never null when called) to the tangent of z = f(x, y). Absent: piecewise constant. */
  jvp?: {
    x(dx: Tensor, x: Tensor, y: Tensor, z: Tensor): Tensor;
    y(dy: Tensor, x: Tensor, y: Tensor, z: Tensor): Tensor;
  };
  /** x̄ when linear in x with y known, and ȳ with x known; before summing over broadcast axes. */
  transpose?: {
    x?(cotangent: Tensor, y: Tensor): Tensor;
    y?(cotangent: Tensor, x: Tensor): Tensor;
  };
  readonly result?: DType;
}

export function binary(name: string, rules: BinaryRules): ElementwisePrimitive<BinaryKernels> {
  const { kernels, jvp, transpose, result } = rules;
  const primitive: Primitive<null> = definePrimitive<null>({
    name,
    loop: "elementwise",
    shape: ([x, y]) => [
      aval(broadcastShapes(x.shape, y.shape, name), result ?? x.dtype, result === undefined && x.weak && y.weak),
    ],
    ...(jvp && {
      jvp: ([x, y], [dx, dy], _params, [z]) => {
        const fromX = dx === null ? null : jvp.x(dx, x, y, z);
        const fromY = dy === null ? null : jvp.y(dy, x, y, z);
        const sum = fromX === null ? fromY! : fromY === null ? fromX : fromX.add(fromY);
        // The other operand of a zero tangent is still broadcast, or the tangent has the wrong shape.
        return [broadcastTo(sum, z.shape)];
      },
    }),
    ...(transpose && {
      transpose: ([cotangent], [x, y], [xLinear, yLinear]) => [
        xLinear ? sumTo(transpose.x!(cotangent!, y), x.shape) : null,
        yLinear ? sumTo(transpose.y!(cotangent!, x), y.shape) : null,
      ],
    }),
    batch: (inputs, batched) => bind(primitive, alignRanks(inputs, batched), null),
    lower: ([x, y], _params, [out]) => {
      const kernel = kernels[x.dtype]!;
      const z = allocate(out.dtype, sizeOf(out.shape));
      if (sameShape(x.shape, y.shape)) kernel(x.buffer, 0, 1, y.buffer, 0, 1, z, 0, z.length);
      else if (y.buffer.length === 1) kernel(x.buffer, 0, 1, y.buffer, 0, 0, z, 0, z.length);
      else if (x.buffer.length === 1) kernel(x.buffer, 0, 0, y.buffer, 0, 1, z, 0, z.length);
      else {
        broadcastRuns(x.shape, y.shape, out.shape, (xo, xs, yo, ys, oo, n) =>
          kernel(x.buffer, xo, xs, y.buffer, yo, ys, z, oo, n),
        );
      }
      return [z];
    },
  });
  return Object.assign(primitive, { kernels });
}

/**
 * Gives batched operands of lower rank axes of length 1 behind the batch axis, so that a batched [B] against an unbatched [3] broadcasts
 * to [B, 3], not along B.
 */
export function alignRanks(inputs: readonly Tensor[], batched: readonly boolean[]): Tensor[] {
  const rank = Math.max(...inputs.map((x, i) => x.shape.length - (batched[i] ? 1 : 0)));
  return inputs.map((x, i) => {
    const missing = rank - (x.shape.length - 1);
    if (!batched[i] || missing === 0) return x;
    return reshape(x, [x.shape[0], ...new Array<number>(missing).fill(1), ...x.shape.slice(1)]);
  });
}

/** The jvp of an op that is linear in its one operand: the op itself on the tangent. */
export function linear<P>(primitive: () => Primitive<P>): NonNullable<Primitive<P>["jvp"]> {
  return (_primals, [dx], params) => [bind1(primitive(), [dx!], params)];
}

/** Whether `x` is an aval of a host array with at least one element. */
export function isEmpty(x: Aval | HostArray): boolean {
  return sizeOf(x.shape) === 0;
}
