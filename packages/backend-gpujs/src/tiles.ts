/**
 * Products of matrices on WebAssembly: a thread writes four rows of a column. gpu.js computes four neighbouring columns at once, so four vectors of
 * sums share each vector that is read of the second operand, and what is read of the first is one number for all four columns.
 *
 * The result of [batch…, ⌈M/4⌉, N, 4] is brought into order by index maps, which are fused into what reads it.
 */

import type { Equation, Shape } from "@curv/tensor";
import { sizeOf } from "@curv/tensor/backend";
import type { Expression } from "./code.js";
import { paramsOf, shapeOf, type Cell } from "./rule.js";
import { Place, split } from "./place.js";
import { emit, internal } from "./rewrite.js";

/** Only graphs of this backend have it. */
export const dotTiles: Equation["primitive"] = /* @__PURE__ */ internal("dotTiles");

const transpose = /* @__PURE__ */ internal("transpose");
const reshape = /* @__PURE__ */ internal("reshape");
const slice = /* @__PURE__ */ internal("slice");

/** Rows of one thread: an `Array(4)` is the most that gpu.js returns. */
const tile = 4;
/** Terms of one partial sum. */
const blockLength = 64;

/** Products for which one more launch, the one that brings the result into order, is not worth it. */
const fewProducts = 2 ** 16;

interface DotParams {
  readonly contract: readonly [left: readonly number[], right: readonly number[]];
  readonly batch: readonly [left: readonly number[], right: readonly number[]];
}

/** The axes of each operand that are neither summed over nor common, and the lengths of all kinds of axes. */
function partsOfDot(equation: Equation): {
  readonly free: readonly [readonly number[], readonly number[]];
  readonly lengths: { readonly batch: Shape; readonly rows: Shape; readonly columns: Shape; readonly along: Shape };
} {
  const { contract, batch } = paramsOf<DotParams>(equation);
  const [left, right] = [shapeOf(equation, 0), shapeOf(equation, 1)];
  const freeOf = (shape: Shape, side: 0 | 1): number[] =>
    shape.map((_, axis) => axis).filter((axis) => !contract[side].includes(axis) && !batch[side].includes(axis));
  const free = [freeOf(left, 0), freeOf(right, 1)] as const;
  return {
    free,
    lengths: {
      batch: batch[0].map((axis) => left[axis]),
      rows: free[0].map((axis) => left[axis]),
      columns: free[1].map((axis) => right[axis]),
      along: contract[0].map((axis) => left[axis]),
    },
  };
}

/** Whether a product is large enough to be computed in tiles. */
export function isTiled(equation: Equation): boolean {
  if (equation.primitive.name !== "dot" || equation.outputs[0].dtype !== "float32") return false;
  const { batch, rows, columns, along } = partsOfDot(equation).lengths;
  const [m, n, k] = [sizeOf(rows), sizeOf(columns), sizeOf(along)];
  return m >= tile && n >= tile && sizeOf(batch) * m * n * k >= fewProducts;
}

/** dot as tiles and the index maps that bring them into order. */
export function lowerDot(equation: Equation, out: Equation[]): void {
  const { inputs, params, outputs } = equation;
  const { batch, rows, columns } = partsOfDot(equation).lengths;
  const [m, n] = [sizeOf(rows), sizeOf(columns)];
  const blocks = Math.ceil(m / tile);
  const count = sizeOf(batch);
  const [y] = outputs;
  const tiles = emit(out, dotTiles, inputs, params, [count, blocks, n, tile], y.dtype);
  const ordered = emit(out, transpose, [tiles], { permutation: [0, 1, 3, 2] }, [count, blocks, tile, n], y.dtype);
  let matrix = emit(out, reshape, [ordered], null, [count, blocks * tile, n], y.dtype);
  if (blocks * tile > m) {
    const all = { start: [0, 0, 0], stop: [count, m, n], step: [1, 1, 1] };
    matrix = emit(out, slice, [matrix], all, [count, m, n], y.dtype);
  }
  out.push({ primitive: reshape, inputs: [matrix], params: null, outputs });
}

/** Writes the kernel; the threads that it runs on. */
export function writeTiles(cell: Cell, equation: Equation): readonly [x: number, y: number] {
  const { lengths } = partsOfDot(equation);
  const [m, n] = [sizeOf(lengths.rows), sizeOf(lengths.columns)];
  const arrays = [cell.array(equation, 0), cell.array(equation, 1)];
  const isPlain = [0, 1].every((side) => shapeOf(equation, side).length === 2) && arrays.every((name) => name !== null);
  if (isPlain) writeProduct(cell, equation, arrays as string[]);
  else writeAnyProduct(cell, equation);
  return [n, sizeOf(lengths.batch) * Math.ceil(m / tile)];
}

/** Two matrices that are there, by integer indices that are counted on: a sixth faster than floats that are converted for each element. */
function writeProduct({ code }: Cell, equation: Equation, [left, right]: readonly string[]): void {
  const { contract } = paramsOf<DotParams>(equation);
  const [[k]] = [partsOfDot(equation).lengths.along];
  const strides = (side: 0 | 1): { readonly along: number; readonly across: number; readonly count: number } => {
    const [rows, columns] = shapeOf(equation, side);
    return contract[side][0] === 1
      ? { along: 1, across: columns, count: rows }
      : { along: columns, across: 1, count: columns };
  };
  const [a, b] = [strides(0), strides(1)];
  const starts = Array.from({ length: tile }, (_, r) => {
    const start = code.variable(`this.thread.y * ${tile * a.across} + ${r * a.across}`);
    const most = (a.count - 1) * a.across;
    if (a.count % tile !== 0) code.line(`if (${start} > ${most}) { ${start} = ${most}; }`);
    return start;
  });
  const at = code.variable("this.thread.y * 0");
  const column = code.variable(`this.thread.x * ${b.across}`);
  const names = (): string[] => starts.map(() => code.variable("0.0"));
  const sums = names();
  const partial = (length: number): void => {
    const totals = names();
    code.loop(length, () => {
      const y = code.variable(`${right}[${column}]`);
      totals.forEach((sum, r) => code.assign(sum, `${sum} + ${left}[${starts[r]} + ${at}] * ${y}`));
      code.assign(at, `${at} + ${a.along}`);
      code.assign(column, `${column} + ${b.along}`);
    });
    sums.forEach((sum, r) => code.assign(sum, `${sum} + ${totals[r]}`));
  };
  const whole = Math.floor(k / blockLength);
  if (whole > 0) code.loop(whole, () => partial(blockLength));
  if (k > whole * blockLength) partial(k - whole * blockLength);
  code.line(`return [${sums.join(", ")}];`);
}

/** Operands of any rank, which may be computed here. */
function writeAnyProduct(cell: Cell, equation: Equation): void {
  const { code } = cell;
  const { contract, batch } = paramsOf<DotParams>(equation);
  const { free, lengths } = partsOfDot(equation);
  const [m, k] = [sizeOf(lengths.rows), sizeOf(lengths.along)];
  const blocks = Math.ceil(m / tile);
  const count = sizeOf(lengths.batch);
  // What depends on thread.y only is one number for four threads.
  const [image, block] = split(code, code.let("this.thread.y * 1.0"), [count, blocks]);
  const images = split(code, image, lengths.batch);
  const columns = split(code, code.let("this.thread.x * 1.0"), lengths.columns);
  const rows = Array.from({ length: tile }, (_, r) => {
    const row = code.variable(`${block} * ${tile}.0 + ${r}.0`);
    if (blocks * tile > m) code.line(`if (${row} > ${m - 1}.5) { ${row} = ${m - 1}.0; }`);
    return split(code, code.settle(row), lengths.rows);
  });
  const read = (side: 0 | 1, at: readonly Expression[], own: readonly Expression[]): Expression => {
    const shape = shapeOf(equation, side);
    const axes = shape.map((_, axis) => {
      const c = contract[side].indexOf(axis);
      if (c >= 0) return at[c];
      const b = batch[side].indexOf(axis);
      return b >= 0 ? images[b] : own[free[side].indexOf(axis)];
    });
    return cell.read(equation, side, Place.at(code, shape, axes)).parts[0];
  };
  const names = (): string[] => rows.map(() => code.variable("0.0"));
  const sums = names();
  const term = (totals: readonly string[], i: Expression): void => {
    const at = split(code, i, lengths.along);
    const right = read(1, at, columns);
    rows.forEach((row, r) => code.assign(totals[r], `${totals[r]} + ${read(0, at, row)} * ${right}`));
  };
  const whole = Math.floor(k / blockLength);
  const partial = (first: Expression, length: number): void => {
    const totals = names();
    code.loop(length, (i) => term(totals, first === "0.0" ? i : code.let(`${first} + ${i}`)));
    sums.forEach((sum, r) => code.assign(sum, `${sum} + ${totals[r]}`));
  };
  if (whole > 0) code.loop(whole, (o) => partial(code.let(`${o} * ${blockLength}.0`), blockLength));
  if (k > whole * blockLength) partial(`${whole * blockLength}.0`, k - whole * blockLength);
  code.line(`return [${sums.join(", ")}];`);
}
