/**
 * Products with rows in float32 or float64 whose sums are float64, as primitives: traceable, and each the other's transpose.
 *
 * The rows of a matrix come as a list of pages [r, d], so that neither a window that moves on nor a matrix that grows is ever copied.
 */

import {
  bind,
  concat,
  definePrimitive,
  matrixTranspose,
  moveAxis,
  stack,
  unstack,
  zeros,
  type Aval,
  type HostArray,
  type Primitive,
  type Tensor,
} from "@curv/tensor";
import type { FloatDType } from "@curv/linsolve";
import { vectorKernels } from "./vector-kernels.js";
import { blockCount, combinations, innerProducts, type Row } from "./wide-products.js";

interface InnerParams {
  /** How many of the operands are pages of the left matrix. */
  readonly left: number;
  readonly blockSize: number;
}

/** wideInner(A…, B…) → A Bᵀ for each block of coordinates, float64 [blocks, a, b]. Linear in A and in B. */
const innerPrimitive: Primitive<InnerParams> = /* @__PURE__ */ definePrimitive<InnerParams>({
  name: "wideInner",
  shape: (pages, { left, blockSize }) => {
    const length = pages[0].shape[1];
    const shape = [blockCount({ length, blockSize }), rowCount(pages.slice(0, left)), rowCount(pages.slice(left))];
    return [{ shape, dtype: "float64", weak: false }];
  },
  jvp: (pages, tangents, { left, blockSize }) => {
    const [a, b] = [pages.slice(0, left), pages.slice(left)];
    const da = filled(tangents.slice(0, left), a);
    const db = filled(tangents.slice(left), b);
    const first = da === null ? null : wideInner(da, b, blockSize);
    const second = db === null ? null : wideInner(a, db, blockSize);
    return [first === null ? second : second === null ? first : first.add(second)];
  },
  transpose: ([bar], pages, linear, { left, blockSize }) => {
    const [a, b] = [pages.slice(0, left), pages.slice(left)];
    if (linear[0] || linear.slice(0, left).includes(true)) {
      return [...split(wideCombine(bar!, b, { blockSize, dtype: floatOf(a[0]) }), a, linear), ...b.map(() => null)];
    }
    const back = wideCombine(matrixTranspose(bar!), a, { blockSize, dtype: floatOf(b[0]) });
    return [...a.map(() => null), ...split(back, b, linear.slice(left))];
  },
  batch: (pages, batched, { left, blockSize }, size) => {
    if (batched.slice(0, left).includes(true)) {
      const lanes = eachLane(pages, batched, size);
      return [stack(lanes.map((p) => wideInner(p.slice(0, left), p.slice(left), blockSize)))];
    }
    // The lanes of B are more rows of it.
    const b = pages.slice(left).map((page, i) => (batched[left + i] ? page : lanesOf(page, size)));
    const rows = concat(b, 1);
    const [, k, d] = rows.shape;
    const all = wideInner(pages.slice(0, left), [rows.reshape([size * k, d])], blockSize);
    return [moveAxis(all.reshape([all.shape[0], all.shape[1], size, k]), 2, 0)];
  },
  lower: (pages, { left, blockSize }) => {
    const coordinates = { length: pages[0].shape[1], blockSize };
    return [innerProducts(vectorKernels(), rowsOf(pages.slice(0, left)), rowsOf(pages.slice(left)), coordinates)];
  },
});

/**
 * A Bᵀ, block by block.
 *
 * @param a - Pages [r, d] of A, which has a rows in all.
 * @param b - Pages of B.
 * @param blockSize - Sums are kept apart for each block of so many coordinates.
 * @returns float64 [blocks, a, b].
 */
export function wideInner(a: readonly Tensor[], b: readonly Tensor[], blockSize: number): Tensor {
  return bind(innerPrimitive, [...a, ...b], { left: a.length, blockSize })[0];
}

interface CombineParams {
  readonly scale: number;
  readonly based: boolean;
  readonly blockSize: number;
  readonly dtype: FloatDType;
}

/** wideCombine(C, base?, R…) → scale·base + C R, where C has its own numbers for each block. Linear in C, and in the others together. */
const combinePrimitive: Primitive<CombineParams> = /* @__PURE__ */ definePrimitive<CombineParams>({
  name: "wideCombine",
  shape: ([c, first], { dtype }) => [{ shape: [c.shape[1], first.shape[1]], dtype, weak: false }],
  jvp: (inputs, tangents, params) => {
    const { c, base, pages } = operands(inputs, params);
    const { c: dc, base: dBase, pages: dPages } = operands(tangents, params);
    const { blockSize, dtype, scale } = params;
    const rows = filled(dPages, pages);
    const terms = [
      dc === null ? null : wideCombine(dc, pages, { blockSize, dtype }),
      base === null || dBase === null ? null : dBase!.mul(scale).cast(dtype),
      rows === null ? null : wideCombine(c, rows, { blockSize, dtype }),
    ].filter((term) => term !== null);
    return [terms.reduce((sum, term) => sum.add(term))];
  },
  transpose: ([bar], inputs, linear, params) => {
    const { c, base, pages } = operands(inputs, params);
    const { blockSize, scale } = params;
    const baseLinear = base !== null && linear[1];
    const rest = linear.slice(base === null ? 1 : 2);
    return [
      linear[0] ? wideInner([bar!], pages, blockSize) : null,
      ...(base === null ? [] : [baseLinear ? bar!.mul(scale).cast(base.dtype) : null]),
      ...(rest.includes(true)
        ? split(wideCombine(matrixTranspose(c), [bar!], { blockSize, dtype: floatOf(pages[0]) }), pages, rest)
        : pages.map(() => null)),
    ];
  },
  batch: (inputs, batched, params, size) => {
    const { pages } = operands(inputs, params);
    if (batched.slice(inputs.length - pages.length).includes(true)) {
      return [stack(eachLane(inputs, batched, size).map((lane) => bind(combinePrimitive, lane, params)[0]))];
    }
    // The lanes of C and of the base are more rows of them.
    const [c, base] = inputs.slice(0, inputs.length - pages.length).map((x, i) => (batched[i] ? x : lanesOf(x, size)));
    const [, blocks, k, m] = c.shape;
    const wide = moveAxis(c, 0, 1).reshape([blocks, size * k, m]);
    const bases = params.based ? [base.reshape([size * k, base.shape[2]])] : [];
    const all = bind(combinePrimitive, [wide, ...bases, ...pages], params)[0];
    return [all.reshape([size, k, all.shape[1]])];
  },
  lower: (inputs, params, [out]) => {
    const { c, base, pages } = operands(inputs, params);
    const [k, length] = out.shape;
    const result = params.dtype === "float32" ? new Float32Array(k * length) : new Float64Array(k * length);
    const start = base === null ? null : { rows: rowsOf([base]), scale: params.scale };
    const coordinates = { length, blockSize: params.blockSize };
    combinations(vectorKernels(), c.buffer as Float64Array, rowsOf(pages), start, coordinates, result);
    return [result];
  },
});

export interface CombineOptions {
  readonly blockSize: number;
  /** Of the result, which is rounded once. */
  readonly dtype: FloatDType;
  /** Added, times `scale`: [k, d]. */
  readonly base?: Tensor;
  /** Default 1. */
  readonly scale?: number;
}

/**
 * scale·base + C R.
 *
 * @param c - float64 [blocks, k, m]: numbers for each block of coordinates.
 * @param pages - Pages [r, d] of R, which has m rows in all.
 * @returns [k, d].
 */
export function wideCombine(
  c: Tensor,
  pages: readonly Tensor[],
  { blockSize, dtype, base, scale = 1 }: CombineOptions,
): Tensor {
  const based = base !== undefined;
  return bind(combinePrimitive, [c, ...(based ? [base] : []), ...pages], { scale, based, blockSize, dtype })[0];
}

function operands<T>(
  inputs: readonly T[],
  { based }: CombineParams,
): { readonly c: T; readonly base: T | null; readonly pages: readonly T[] } {
  return { c: inputs[0], base: based ? inputs[1] : null, pages: inputs.slice(based ? 2 : 1) };
}

function rowCount(pages: readonly Aval[] | readonly Tensor[]): number {
  return pages.reduce((sum, { shape }) => sum + shape[0], 0);
}

function rowsOf(pages: readonly HostArray[]): Row[] {
  return pages.flatMap(({ shape: [count, length], buffer }) =>
    Array.from({ length: count }, (_, i) => ({ data: buffer as Row["data"], start: i * length })),
  );
}

/** Tangents of pages with zeros for those that have none; null if none has. */
function filled(tangents: readonly (Tensor | null)[], pages: readonly Tensor[]): readonly Tensor[] | null {
  if (tangents.every((t) => t === null)) return null;
  return tangents.map((t, i) => t ?? zeros(pages[i].shape, { dtype: pages[i].dtype }));
}

/** The rows of each page that is linear. */
function split(rows: Tensor, pages: readonly Tensor[], linear: readonly boolean[]): (Tensor | null)[] {
  let at = 0;
  return pages.map((page, i) => {
    const from = at;
    at += page.shape[0];
    return linear[i] ? rows.slice([from, at]) : null;
  });
}

function lanesOf(x: Tensor, size: number): Tensor {
  return x.expandDims(0).broadcastTo([size, ...x.shape]);
}

function eachLane(inputs: readonly Tensor[], batched: readonly boolean[], size: number): Tensor[][] {
  const lanes = inputs.map((x, i) => (batched[i] ? unstack(x, 0) : null));
  return Array.from({ length: size }, (_, lane) => inputs.map((x, i) => lanes[i]?.[lane] ?? x));
}

function floatOf({ dtype }: Tensor): FloatDType {
  return dtype === "float32" ? "float32" : "float64";
}
