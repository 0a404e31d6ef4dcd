/** Reductions, running sums and sliding windows: one thread writes one element of the result and reads what it is made of. */

import type { Equation, Shape } from "@curv/tensor";
import type { Code, Expression } from "./code.js";
import { applyElementwise, select } from "./elementwise.js";
import { Place, sizeOf, split, stridesOf, linear } from "./place.js";
import { Accumulator, integer, loopOver, one, paramsOf, shapeOf, zero, type Cell, type Rule } from "./rule.js";
import type { Value } from "./value.js";

/** The place in x for a place in the result and coordinates along the reduced axes. */
function expanded(code: Code, shape: Shape, axes: readonly number[], kept: Place, at: readonly Expression[]): Place {
  let next = 0;
  return Place.at(
    code,
    shape,
    shape.map((_, axis) => {
      const k = axes.indexOf(axis);
      return k >= 0 ? at[k] : kept.axis(next++);
    }),
  );
}

/** Combines all elements along the axes, the first being the start. */
const fold =
  (f: string): Rule =>
  (cell, equation, place) => {
    const { axes } = paramsOf<{ axes: readonly number[] }>(equation);
    const { code } = cell;
    const shape = shapeOf(equation, 0);
    const along = axes.map((axis) => shape[axis]);
    const read = (at: readonly Expression[]): Value => cell.read(equation, 0, expanded(code, shape, axes, place, at));
    if (sizeOf(along) === 1) return read(axes.map(() => "0.0"));
    const start = f === "add" ? zero(equation.outputs[0].dtype) : f === "mul" ? one(equation.outputs[0].dtype) : null;
    const total = new Accumulator(code, start ?? read(axes.map(() => "0.0")));
    inBlocks(code, sizeOf(along), total, f, start, (i) => read(split(code, i, along)));
    return total.value;
  };

const blockLength = 64;

/** total = total ∘ term(0) ∘ … ∘ term(length − 1); long ones by blocks, so that rounding errors grow with the blocks' length and number. */
function inBlocks(
  code: Code,
  length: number,
  total: Accumulator,
  f: string,
  start: Value | null,
  term: (i: Expression) => Value,
): void {
  if (start === null || length <= 2 * blockLength) {
    code.loop(length, (i) => total.combine(f, term(i)));
    return;
  }
  const blocks = Math.ceil(length / blockLength);
  code.loop(blocks, (b) => {
    const partial = new Accumulator(code, start);
    const first = code.let(`${b} * ${blockLength}.0`);
    code.loop(blockLength, (j) => {
      const i = code.let(`${first} + ${j}`);
      if (blocks * blockLength === length) partial.combine(f, term(i));
      else code.when(`${i} < ${length - 1}.5`, () => partial.combine(f, term(i)));
    });
    total.combine(f, partial.value);
  });
}

const folds: Readonly<Record<string, string>> = { sum: "add", prod: "mul", max: "maximum", min: "minimum" };

/** Reduces piece number c of the last axis. */
const partialReduce: Rule = (cell, equation, place) => {
  const { code } = cell;
  const { name, piece } = paramsOf<{ name: string; piece: number }>(equation);
  const shape = shapeOf(equation, 0);
  const last = shape.length - 1;
  const first = code.let(`${place.axis(last)} * ${piece}.0`);
  const read = (i: Expression): Value =>
    cell.read(
      equation,
      0,
      Place.at(
        code,
        shape,
        shape.map((_, axis) => (axis === last ? i : () => place.axis(axis))),
      ),
    );
  const { dtype } = equation.outputs[0];
  const start = name === "sum" ? zero(dtype) : name === "prod" ? one(dtype) : null;
  const total = new Accumulator(code, start ?? read(first));
  code.loop(piece, (j) => {
    const i = code.let(`${first} + ${j}`);
    if (shape[last] % piece === 0) total.combine(folds[name], read(i));
    else code.when(`${i} < ${shape[last] - 1}.5`, () => total.combine(folds[name], read(i)));
  });
  return total.value;
};

/** A scan that begins anew in each block: of a sum, a recurrence, or a product. */
const blockScan: Rule = (cell, equation, place) => {
  const { code } = cell;
  const { block, kind } = paramsOf<{ block: number; kind: string }>(equation);
  const { position, read } = alongAxis(cell, equation, place);
  const { dtype } = equation.outputs[0];
  const first = code.let(`Math.floor((${position} + 0.5) / ${block}.0) * ${block}.0`);
  const z = new Accumulator(code, kind === "product" ? one(dtype) : zero(dtype));
  code.loop(block, (j) => {
    const i = code.let(`${first} + ${j}`);
    code.when(`${i} <= ${position}`, () => {
      if (kind !== "sum") z.combine("mul", read(0, i));
      if (kind === "recurrence") z.combine("add", read(1, i));
      if (kind === "sum") z.combine("add", read(0, i));
    });
  });
  return z.value;
};

/** What each block ends with, in scan order. */
const blockEnds: Rule = (cell, equation, place) => {
  const { code } = cell;
  const { axis, block } = paramsOf<{ axis: number; block: number }>(equation);
  const { n, read } = alongAxis(cell, equation, place);
  const end = code.variable(`${place.axis(axis)} * ${block}.0 + ${block - 1}.0`);
  code.line(`if (${end} > ${n - 1}.0) { ${end} = ${n - 1}.0; }`);
  return read(0, end);
};

/** z + c, or z + p·c, with c what the block before ended with. */
const addCarry: Rule = (cell, equation, place) => {
  const { code } = cell;
  const { axis, block } = paramsOf<{ axis: number; block: number }>(equation);
  const { position } = alongAxis(cell, equation, place);
  const before = code.variable(`Math.floor((${position} + 0.5) / ${block}.0) - 1.0`);
  const some = code.flag(`${before} >= 0.0`);
  code.line(`if (${before} < 0.0) { ${before} = 0.0; }`);
  const shape = shapeOf(equation, 1);
  const carry = cell.read(
    equation,
    1,
    Place.at(
      code,
      shape,
      shape.map((_, i) => (i === axis ? before : () => place.axis(i))),
    ),
  );
  const z = cell.read(equation, 0, place);
  const added =
    equation.inputs.length === 2 ? carry : applyElementwise(code, "mul", [cell.read(equation, 2, place), carry]);
  return select(code, some, applyElementwise(code, "add", [z, added]), z);
};

/** Whether v takes the place of the best so far: larger (smaller), or the first NaN. */
export function isBetter(code: Code, v: Value, best: Value, smallest = false): Expression {
  const [low, high] = smallest ? [v, best] : [best, v];
  const better = applyElementwise(code, "less", [low, high]).parts[0];
  if (v.dtype !== "float32") return better;
  const y = code.variable(better);
  const fresh = code.let(`${code.call("c_isNaN", v.parts[0])} - ${code.call("c_isNaN", best.parts[0])}`);
  code.line(`if (${fresh} > 0.5) { ${y} = 1.0; }`);
  return y;
}

const argExtreme =
  (smallest: boolean): Rule =>
  (cell, equation, place) => {
    const { axes } = paramsOf<{ axes: readonly number[] }>(equation);
    const { code } = cell;
    const shape = shapeOf(equation, 0);
    const read = (i: Expression): Value => cell.read(equation, 0, expanded(code, shape, axes, place, [i]));
    const best = new Accumulator(code, read("0.0"));
    const at = code.variable("0.0");
    code.loop(shape[axes[0]], (i) => {
      const v = read(i);
      code.when(`${isBetter(code, v, best.value, smallest)} > 0.5`, () => {
        best.set(v);
        code.assign(at, i);
      });
    });
    return integer(code, at);
  };

/** Operands at position i along the axis, and where in scan order the place is. */
function alongAxis(
  cell: Cell,
  equation: Equation,
  place: Place,
): { n: number; position: Expression; read(operand: number, i: Expression): Value; index(i: Expression): Expression } {
  const { axis, reverse } = paramsOf<{ axis: number; reverse: boolean }>(equation);
  const { code } = cell;
  const shape = shapeOf(equation, 0);
  const n = shape[axis];
  const index = (i: Expression): Expression => (reverse ? code.let(`${n - 1}.0 - ${i}`) : i);
  return {
    n,
    position: index(place.axis(axis)),
    index,
    read: (operand, i) =>
      cell.read(
        equation,
        operand,
        Place.at(
          code,
          shape,
          shape.map((_, k) => (k === axis ? index(i) : place.axis(k))),
        ),
      ),
  };
}

const cumsum: Rule = (cell, equation, place) => {
  const { n, position, read } = alongAxis(cell, equation, place);
  const total = new Accumulator(cell.code, zero(equation.outputs[0].dtype));
  cell.code.loop(n, (i) => cell.code.when(`${i} <= ${position}`, () => total.combine("add", read(0, i))));
  return total.value;
};

/** zᵢ = aᵢ z₍ᵢ₋₁₎ + bᵢ. */
const linearRecurrence: Rule = (cell, equation, place) => {
  const { code } = cell;
  const { n, position, read } = alongAxis(cell, equation, place);
  const z = new Accumulator(code, zero(equation.outputs[0].dtype));
  code.loop(n, (i) =>
    code.when(`${i} <= ${position}`, () => {
      z.combine("mul", read(0, i));
      z.combine("add", read(1, i));
    }),
  );
  return z.value;
};

const cumArgMax: Rule = (cell, equation, place) => {
  const { code } = cell;
  const { n, position, read, index } = alongAxis(cell, equation, place);
  const best = new Accumulator(code, read(0, "0.0"));
  const at = code.variable("0.0");
  code.loop(n, (i) =>
    code.when(`${i} <= ${position}`, () => {
      const v = read(0, i);
      code.when(`${isBetter(code, v, best.value)} > 0.5`, () => {
        best.set(v);
        code.assign(at, i);
      });
    }),
  );
  return integer(code, index(at));
};

interface WindowParams {
  readonly window: readonly number[];
  readonly stride: readonly number[];
  readonly padding: readonly (readonly [number, number])[];
  readonly dilation: readonly number[];
}

/** `body` for every element of the window that is not padding. */
function overWindow(
  cell: Cell,
  equation: Equation,
  place: Place,
  body: (at: Place, flat: () => Expression) => void,
): void {
  const { code } = cell;
  const { window, stride, padding, dilation } = paramsOf<WindowParams>(equation);
  const shape = shapeOf(equation, 0);
  loopOver(code, window, (taps) => {
    const axes = shape.map((_, i) =>
      code.let(`${place.axis(i)} * ${stride[i]}.0 + ${taps[i]} * ${dilation[i]}.0 + (${-padding[i][0]}.0)`),
    );
    const inside = axes.map((axis, i) => `${axis} >= 0.0 && ${axis} < ${shape[i] - 1}.5`).join(" && ");
    code.when(inside === "" ? "1.0 > 0.0" : inside, () =>
      body(Place.at(code, shape, axes), () => linear(code, axes, stridesOf(shape))),
    );
  });
}

const windowSum: Rule = (cell, equation, place) => {
  const total = new Accumulator(cell.code, zero(equation.outputs[0].dtype));
  overWindow(cell, equation, place, (at) => total.combine("add", cell.read(equation, 0, at)));
  return total.value;
};

/** Flat index of the largest element, the first in row-major order; −1 if all is padding. */
const windowArgMax: Rule = (cell, equation, place) => {
  const { code } = cell;
  const best = new Accumulator(code, zero("float32"));
  const index = code.variable("(-1.0)");
  overWindow(cell, equation, place, (at, flat) => {
    const v = cell.read(equation, 0, at);
    const better = code.variable(isBetter(code, v, best.value));
    code.line(`if (${index} < 0.0) { ${better} = 1.0; }`);
    code.when(`${better} > 0.5`, () => {
      best.set(v);
      code.assign(index, flat());
    });
  });
  return integer(code, index);
};

/** The order of a sort after runs of length `width` have been merged in pairs: an element of the merged run, found by bisection. */
const mergeRuns: Rule = (cell, equation, place) => {
  const { code } = cell;
  const { width, descending } = paramsOf<{ width: number; descending: boolean }>(equation);
  const shape = shapeOf(equation, 0);
  const n = shape[shape.length - 1];
  const last = shape.length - 1;
  const k = place.axis(last);
  const rows = (i: Expression): Place =>
    Place.at(
      code,
      shape,
      shape.map((_, axis) => (axis === last ? i : place.axis(axis))),
    );
  const order = (i: Expression): Expression => cell.read(equation, 1, rows(i)).parts[0];
  const value = (i: Expression): Value => cell.read(equation, 0, rows(order(i)));
  const start = code.let(`Math.floor((${k} + 0.5) / ${2 * width}.0) * ${2 * width}.0`);
  const middle = code.variable(`${start} + ${width}.0`);
  code.line(`if (${middle} > ${n}.0) { ${middle} = ${n}.0; }`);
  const end = code.variable(`${start} + ${2 * width}.0`);
  code.line(`if (${end} > ${n}.0) { ${end} = ${n}.0; }`);
  const lengthA = code.let(`${middle} - ${start}`);
  const lengthB = code.let(`${end} - ${middle}`);
  const offset = code.let(`${k} - ${start}`);
  // The least a such that b = offset − a of the right run stand before A[a].
  const low = code.variable(`${offset} - ${lengthB}`);
  code.line(`if (${low} < 0.0) { ${low} = 0.0; }`);
  const high = code.variable(offset);
  code.line(`if (${high} > ${lengthA}) { ${high} = ${lengthA}; }`);
  code.loop(Math.ceil(Math.log2(width)) + 1, () => {
    code.when(`${low} < ${high}`, () => {
      const mid = code.let(`Math.floor((${low} + ${high}) * 0.5)`);
      const a = value(code.let(`${start} + ${mid}`));
      const b = value(code.let(`${middle} + ${offset} - 1.0 - ${mid}`));
      const right = precedes(code, b, a, descending);
      code.line(`if (${right} > 0.5) { ${high} = ${mid}; } else { ${low} = ${mid} + 1.0; }`);
    });
  });
  const from = code.variable(`${middle} + ${offset} - ${low}`);
  code.when(`${low} < ${lengthA}`, () => {
    const a = code.let(`${start} + ${low}`);
    const take = code.variable("1.0");
    code.when(`${from} < ${end}`, () => {
      const right = precedes(code, value(from), value(a), descending);
      code.assign(take, `1.0 - ${right}`);
    });
    code.line(`if (${take} > 0.5) { ${from} = ${a}; }`);
  });
  return { dtype: "float32", parts: [order(from)] };
};

/** Whether p stands strictly before q. NaN counts as larger than every number. */
function precedes(code: Code, p: Value, q: Value, descending: boolean): Expression {
  const y = code.variable(applyElementwise(code, "less", descending ? [q, p] : [p, q]).parts[0]);
  if (p.dtype === "float32") {
    const [last, first] = descending ? [p, q] : [q, p];
    const only = code.let(`${code.call("c_isNaN", last.parts[0])} - ${code.call("c_isNaN", first.parts[0])}`);
    code.line(`if (${only} > 0.5) { ${y} = 1.0; }`);
  }
  return y;
}

/** x in the order of a sort: the first `count` values. */
const inOrder: Rule = (cell, equation, place) => {
  const { code } = cell;
  const shape = shapeOf(equation, 0);
  const last = shape.length - 1;
  const rows = (i: Expression): Place =>
    Place.at(
      code,
      shape,
      shape.map((_, axis) => (axis === last ? i : place.axis(axis))),
    );
  return cell.read(equation, 0, rows(cell.read(equation, 1, rows(place.axis(last))).parts[0]));
};

const position: Rule = (_cell, _equation, place) => ({
  dtype: "float32",
  parts: [place.axis(place.shape.length - 1)],
});

const orderIndices: Rule = (cell, equation, place) => {
  const shape = shapeOf(equation, 0);
  const order = cell.read(
    equation,
    0,
    Place.at(
      cell.code,
      shape,
      shape.map((_, axis) => () => place.axis(axis)),
    ),
  );
  return integer(cell.code, order.parts[0]);
};

export const reductionRules: Readonly<Record<string, Rule>> = {
  partialReduce,
  blockScan,
  blockEnds,
  addCarry,
  position,
  orderIndices,
  sum: /* @__PURE__ */ fold("add"),
  prod: /* @__PURE__ */ fold("mul"),
  max: /* @__PURE__ */ fold("maximum"),
  min: /* @__PURE__ */ fold("minimum"),
  argMax: /* @__PURE__ */ argExtreme(false),
  argMin: /* @__PURE__ */ argExtreme(true),
  cumsum,
  linearRecurrence,
  cumArgMax,
  windowSum,
  windowArgMax,
  mergeRuns,
  inOrder,
};
