/**
 * Arrays of more numbers than one launch can index, as several: each a block of rows. What is computed with them is computed with their blocks,
 * by the same kernels, in as many launches; a graph is rewritten so that only short arrays are left in it.
 *
 * `part` takes a block out of an array that is there, and `whole` puts blocks together: neither touches an element.
 */

import type { Atom, DType, Equation, Shape, Variable } from "@curv/tensor";
import { sizeOf } from "@curv/tensor/backend";
import { blocksOf, cutAxis, isLong, withLength, type Rows } from "./blocks.js";
import { GpujsError } from "./errors.js";
import { elementRules } from "./movement.js";
import { isRegistered } from "./registered.js";
import { emit, internal } from "./rewrite.js";
import { folds } from "./reduce.js";

const part = /* @__PURE__ */ internal("part");
const whole = /* @__PURE__ */ internal("whole");
const slice = /* @__PURE__ */ internal("slice");
const concat = /* @__PURE__ */ internal("concat");
const reshape = /* @__PURE__ */ internal("reshape");
const full = /* @__PURE__ */ internal("full");
const iota = /* @__PURE__ */ internal("iota");

/** Equations on arrays of any length as equations on short ones. `isKernel` says of one that is on short arrays whether a kernel computes it. */
export function cutLongArrays(
  equations: readonly Equation[],
  outputs: readonly Atom[],
  isKernel: (equation: Equation) => boolean,
): readonly Equation[] {
  const touched = (equation: Equation): boolean => [...equation.inputs, ...equation.outputs].some(isLong);
  if (!equations.some(touched)) return equations;
  const cutter = new Cutter();
  for (const equation of equations) {
    if (!touched(equation)) cutter.out.push(equation);
    else if (isKernel(equation)) cutter.cut(equation);
    else {
      for (const x of equation.inputs) cutter.needWhole(x);
      cutter.out.push(equation);
    }
  }
  for (const y of outputs) cutter.needWhole(y);
  return cutter.out;
}

/** Rows of an array. */
interface Block {
  readonly atom: Atom;
  readonly count: number;
}

type Rewriting = (cutter: Cutter, equation: Equation) => void;

class Cutter {
  readonly out: Equation[] = [];
  private readonly blocks = new Map<Atom, readonly Block[]>();
  private readonly stored = new Set<Atom>();

  cut(equation: Equation): void {
    if (![...equation.inputs, ...equation.outputs].some(isLong)) {
      this.out.push(equation);
      return;
    }
    const { primitive } = equation;
    const rule = isElementwise(equation) ? elementwise : (rewritings[primitive.name] as Rewriting | undefined);
    if (rule === undefined) throw tooLong(equation, "is not cut into blocks");
    rule(this, equation);
  }

  /** A long array that was made as blocks, as one for what is no kernel. */
  needWhole(x: Atom): void {
    const blocks = this.blocks.get(x);
    if (blocks === undefined || this.stored.has(x)) return;
    this.stored.add(x);
    this.out.push({ primitive: whole, inputs: blocks.map((b) => b.atom), params: null, outputs: [x as Variable] });
  }

  /** The blocks of a long array. */
  blocksOf(x: Atom, equation: Equation): readonly Block[] {
    let blocks = this.blocks.get(x);
    if (blocks === undefined) {
      // It is there already: an argument, a constant, or a result of what is no kernel.
      const axis = cutAxis(x.shape);
      blocks = cutsOf(x.shape, equation).map(({ count }, index) => ({
        atom: emit(this.out, part, [x], { index }, withLength(x.shape, axis, count), x.dtype),
        count,
      }));
      this.blocks.set(x, blocks);
      this.stored.add(x);
    }
    return blocks;
  }

  /** Rows of an array along an axis. */
  rows(x: Atom, axis: number, { start, count }: Rows, equation: Equation): Atom {
    if (start === 0 && count === x.shape[axis]) return x;
    if (!isLong(x)) return this.slice(x, axis, { start, count });
    if (axis !== cutAxis(x.shape)) throw tooLong(equation, "takes it apart along another axis than its first");
    return this.gather(this.blocksOf(x, equation), axis, { start, count }, equation);
  }

  private slice(x: Atom, axis: number, { start, count }: Rows): Atom {
    const shape = withLength(x.shape, axis, count);
    const params = {
      start: shape.map((_, i) => (i === axis ? start : 0)),
      stop: x.shape.map((n, i) => (i === axis ? start + count : n)),
      step: shape.map(() => 1),
    };
    return emit(this.out, slice, [x], params, shape, x.dtype);
  }

  /** Blocks put together along an axis. */
  concat(blocks: readonly Block[], axis: number): Atom {
    if (blocks.length === 1) return blocks[0].atom;
    const [{ atom }] = blocks;
    const length = blocks.reduce((n, b) => n + b.count, 0);
    return this.emit(
      concat,
      blocks.map((b) => b.atom),
      { axis },
      withLength(atom.shape, axis, length),
      atom.dtype,
    );
  }

  /** An equation with a new result, which may be long itself. */
  emit(
    primitive: Equation["primitive"],
    inputs: readonly Atom[],
    params: unknown,
    shape: Shape,
    dtype: DType,
  ): Variable {
    const equations: Equation[] = [];
    const result = emit(equations, primitive, inputs, params, shape, dtype);
    this.cut(equations[0]);
    return result;
  }

  /** Makes y of blocks along an axis of it, however long they are. */
  define(y: Variable, axis: number, blocks: readonly Block[], equation: Equation): void {
    if (!isLong(y)) {
      this.out.push({ primitive: concat, inputs: blocks.map((b) => b.atom), params: { axis }, outputs: [y] });
      return;
    }
    const own = cutsOf(y.shape, equation);
    if (axis !== cutAxis(y.shape)) throw tooLong(equation, "makes it along another axis than its first");
    const same = own.length === blocks.length && own.every(({ count }, i) => count === blocks[i].count);
    this.blocks.set(
      y,
      same ? blocks : own.map((rows) => ({ atom: this.gather(blocks, axis, rows, equation), count: rows.count })),
    );
  }

  /** Rows of what the blocks are together. */
  gather(blocks: readonly Block[], axis: number, { start, count }: Rows, equation: Equation): Atom {
    const found: Block[] = [];
    let at = 0;
    for (const { atom, count: length } of blocks) {
      const from = Math.max(start, at);
      const to = Math.min(start + count, at + length);
      if (from < to)
        found.push({ atom: this.rows(atom, axis, { start: from - at, count: to - from }, equation), count: to - from });
      at += length;
    }
    return this.concat(found, axis);
  }
}

const isElementwise = ({ primitive }: Equation): boolean =>
  (primitive.name in elementRules && primitive.name !== "pad" && primitive.name !== "concat") ||
  primitive.name === "stopGradient" ||
  primitive.name === "threefry" ||
  isRegistered(primitive);

function cutsOf(shape: Shape, equation: Equation): readonly Rows[] {
  const cuts = blocksOf(shape);
  if (cuts === null) throw tooLong(equation, "has rows that are too long themselves");
  return cuts;
}

function tooLong({ primitive, inputs, outputs }: Equation, why: string): GpujsError {
  const { shape, dtype } = [...inputs, ...outputs].find(isLong)!;
  return new GpujsError(
    `${primitive.name}: gpujs: an array of ${sizeOf(shape)} ${dtype} elements is too large for one launch, and ${primitive.name} ${why}. Split it along its first axis, or run on cpu.`,
    "limit",
  );
}

/** Every result in blocks, of the rows of the operands that meet them when they are broadcast. */
const elementwise: Rewriting = (cutter, equation) => {
  const { primitive, params, inputs, outputs } = equation;
  const { shape } = outputs[0];
  const axis = cutAxis(shape);
  const results: Block[][] = outputs.map(() => []);
  for (const rows of cutsOf(shape, equation)) {
    const operands = inputs.map((x) => {
      const own = axis - (shape.length - x.shape.length);
      return own < 0 || x.shape[own] === 1 ? x : cutter.rows(x, own, rows, equation);
    });
    const own = outputs.map((y) => emitted(y, withLength(shape, axis, rows.count)));
    cutter.out.push({ primitive, params, inputs: operands, outputs: own });
    own.forEach((atom, i) => results[i].push({ atom, count: rows.count }));
  }
  outputs.forEach((y, i) => cutter.define(y, axis, results[i], equation));
};

function emitted({ dtype }: Variable, shape: Shape): Variable {
  return emit([], part, [], null, shape, dtype);
}

/** Results along an axis of the first output, each from the rows that it is of. */
const byRows =
  (make: (cutter: Cutter, equation: Equation, axis: number, rows: Rows, shape: Shape) => Atom): Rewriting =>
  (cutter, equation) => {
    const [y] = equation.outputs;
    const axis = cutAxis(y.shape);
    const blocks = cutsOf(y.shape, equation).map((rows) => ({
      atom: make(cutter, equation, axis, rows, withLength(y.shape, axis, rows.count)),
      count: rows.count,
    }));
    cutter.define(y, axis, blocks, equation);
  };

/** Elements in row-major order: blocks of one shape cut anew as those of another. */
const reshapeLong: Rewriting = (cutter, equation) => {
  const [x] = equation.inputs;
  const [y] = equation.outputs;
  const flat = (atom: Atom): Block => {
    const size = sizeOf(atom.shape);
    return { atom: cutter.emit(reshape, [atom], null, [size], atom.dtype), count: size };
  };
  const blocks = cutter.blocksOf(x, equation).map(({ atom }) => flat(atom));
  const axis = cutAxis(y.shape);
  const rowLength = sizeOf(y.shape.slice(axis + 1));
  const results = cutsOf(y.shape, equation).map(({ start, count }) => {
    const elements = cutter.gather(blocks, 0, { start: start * rowLength, count: count * rowLength }, equation);
    return { atom: cutter.emit(reshape, [elements], null, withLength(y.shape, axis, count), y.dtype), count };
  });
  cutter.define(y, axis, results, equation);
};

/** Along the axis that is cut, what the blocks come to is combined; otherwise each block is reduced to rows of the result. */
const reduce: Rewriting = (cutter, equation) => {
  const { primitive, params, inputs, outputs } = equation;
  const { axes } = params as { axes: readonly number[] };
  const [[x], [y]] = [inputs, outputs];
  const cut = cutAxis(x.shape);
  const across = !axes.includes(cut);
  const axis = cut - axes.filter((a) => a < cut).length;
  const blocks = cutter.blocksOf(x, equation).map(({ atom, count }) => ({
    atom: cutter.emit(primitive, [atom], params, across ? withLength(y.shape, axis, count) : y.shape, y.dtype),
    count,
  }));
  if (across) cutter.define(y, axis, blocks, equation);
  else combine(cutter, folds[primitive.name], blocks, y);
};

/** y = b₀ ∘ b₁ ∘ …, elementwise. */
function combine(cutter: Cutter, operation: string, blocks: readonly Block[], y: Variable): void {
  const primitive = internal(operation);
  let total = blocks[0].atom;
  for (const { atom } of blocks.slice(1, -1)) total = cutter.emit(primitive, [total, atom], null, y.shape, y.dtype);
  const last = blocks[blocks.length - 1];
  cutter.cut({ primitive, inputs: [total, last.atom], params: null, outputs: [y] });
}

interface DotParams {
  readonly contract: readonly [left: readonly number[], right: readonly number[]];
  readonly batch: readonly [left: readonly number[], right: readonly number[]];
}

/** Blocks of an operand give rows of the result, or terms of it if they lie along a contracted axis. */
const dot: Rewriting = (cutter, equation) => {
  const { primitive, params, inputs, outputs } = equation;
  const { contract, batch } = params as DotParams;
  const [y] = outputs;
  const free = inputs.map((x, side) =>
    x.shape.map((_, i) => i).filter((i) => !contract[side].includes(i) && !batch[side].includes(i)),
  );
  /** Axis of the result that an axis of an operand becomes; −1 if it is contracted. */
  const resultAxis = (side: number, axis: number): number => {
    const b = batch[side].indexOf(axis);
    if (b >= 0) return b;
    const f = free[side].indexOf(axis);
    return f < 0 ? -1 : batch[0].length + (side === 0 ? 0 : free[0].length) + f;
  };
  const longSide = inputs.findIndex(isLong);
  const byResult = longSide < 0;
  const along = cutAxis(byResult ? y.shape : inputs[longSide].shape);
  const axis = byResult ? along : resultAxis(longSide, along);
  const cuts = cutsOf(byResult ? y.shape : inputs[longSide].shape, equation);
  const blocks = cuts.map((rows) => {
    const operands = inputs.map((x, side) => {
      const own =
        axis >= 0
          ? x.shape.findIndex((_, i) => resultAxis(side, i) === axis)
          : contract[side][contract[longSide].indexOf(along)];
      return own < 0 ? x : cutter.rows(x, own, rows, equation);
    });
    const shape = axis >= 0 ? withLength(y.shape, axis, rows.count) : y.shape;
    return { atom: cutter.emit(primitive, operands, params, shape, y.dtype), count: rows.count };
  });
  if (axis >= 0) cutter.define(y, axis, blocks, equation);
  else combine(cutter, "add", blocks, y);
};

const transpose = /* @__PURE__ */ byRows((cutter, equation, axis, rows, shape) => {
  const { primitive, params, inputs } = equation;
  const { permutation } = params as { permutation: readonly number[] };
  const [x] = inputs;
  const from = permutation[axis];
  const cut = cutAxis(x.shape);
  if (!isLong(x) || cut === from) {
    return cutter.emit(primitive, [cutter.rows(x, from, rows, equation)], params, shape, x.dtype);
  }
  const pieces = cutter.blocksOf(x, equation).map(({ atom, count }) => {
    const own = withLength(shape, permutation.indexOf(cut), count);
    return { atom: cutter.emit(primitive, [cutter.rows(atom, from, rows, equation)], params, own, x.dtype), count };
  });
  return cutter.concat(pieces, permutation.indexOf(cut));
});

interface SliceParams {
  readonly start: readonly number[];
  readonly stop: readonly number[];
  readonly step: readonly number[];
}

const sliceLong: Rewriting = (cutter, equation) => {
  const [x] = equation.inputs;
  const [y] = equation.outputs;
  const { start, stop, step } = equation.params as SliceParams;
  const axis = cutAxis(x.shape);
  const pieces: Block[] = [];
  let before = 0;
  for (const { atom, count } of cutter.blocksOf(x, equation)) {
    // The i with before ≤ start + i·step < before + count.
    const first = Math.max(0, Math.ceil((before - start[axis]) / step[axis]));
    const end = Math.min(y.shape[axis], Math.ceil((before + count - start[axis]) / step[axis]));
    if (first < end) {
      const from = start[axis] + first * step[axis] - before;
      const own = {
        start: start.map((s, i) => (i === axis ? from : s)),
        stop: stop.map((s, i) => (i === axis ? from + (end - first - 1) * step[axis] + 1 : s)),
        step,
      };
      pieces.push({
        atom: cutter.emit(slice, [atom], own, withLength(y.shape, axis, end - first), y.dtype),
        count: end - first,
      });
    }
    before += count;
  }
  cutter.define(y, axis, pieces, equation);
};

const flip: Rewriting = (cutter, equation) => {
  const { primitive, params, inputs, outputs } = equation;
  const [[x], [y]] = [inputs, outputs];
  const axis = cutAxis(x.shape);
  const blocks = cutter.blocksOf(x, equation).map(({ atom, count }) => ({
    atom: cutter.emit(primitive, [atom], params, atom.shape, y.dtype),
    count,
  }));
  const reversed = (params as { axes: readonly number[] }).axes.includes(axis);
  cutter.define(y, axis, reversed ? blocks.reverse() : blocks, equation);
};

const concatLong: Rewriting = (cutter, equation) => {
  const { inputs, params, outputs } = equation;
  const { axis } = params as { axis: number };
  const [y] = outputs;
  if (axis === cutAxis(y.shape)) {
    cutter.define(
      y,
      axis,
      inputs.map((atom) => ({ atom, count: atom.shape[axis] })),
      equation,
    );
    return;
  }
  byRows((_cutter, _equation, cut, rows, shape) =>
    cutter.emit(
      concat,
      inputs.map((x) => cutter.rows(x, cut, rows, equation)),
      params,
      shape,
      y.dtype,
    ),
  )(cutter, equation);
};

const broadcast = /* @__PURE__ */ byRows((cutter, equation, axis, rows, shape) => {
  const { primitive, params, inputs } = equation;
  const [x] = inputs;
  const own = (params as { axes: readonly number[] }).axes.indexOf(axis);
  const operand = own < 0 || x.shape[own] === 1 ? x : cutter.rows(x, own, rows, equation);
  return cutter.emit(primitive, [operand], { ...(params as object), shape }, shape, x.dtype);
});

const fullLong = /* @__PURE__ */ byRows((cutter, { primitive, params, outputs }, _axis, _rows, shape) =>
  cutter.emit(primitive, [], { ...(params as object), shape }, shape, outputs[0].dtype),
);

/** Numbers from a start, as the sum of both. */
const iotaLong = /* @__PURE__ */ byRows((cutter, { params, outputs }, _axis, { start, count }, shape) => {
  const [{ dtype }] = outputs;
  const numbers = cutter.emit(iota, [], { ...(params as object), length: count }, shape, dtype);
  const first = cutter.emit(full, [], { shape: [], dtype, value: start }, [], dtype);
  return start === 0 ? numbers : cutter.emit(internal("add"), [numbers, first], null, shape, dtype);
});

const rewritings: Readonly<Record<string, Rewriting>> = {
  reshape: reshapeLong,
  sum: reduce,
  prod: reduce,
  max: reduce,
  min: reduce,
  dot,
  transpose,
  slice: sliceLong,
  flip,
  concat: concatLong,
  broadcast,
  full: fullLong,
  iota: iotaLong,
};
