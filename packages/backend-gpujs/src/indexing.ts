/** Reading and writing at indices that are computed, and random bits. */

import type { Equation, Shape } from "@curv/tensor";
import type { Expression } from "./code.js";
import { select } from "./elementwise.js";
import { Place } from "./place.js";
import { Accumulator, clamp, indexOf, loopOver, paramsOf, shapeOf, zero, type Cell, type Rule } from "./rule.js";
import { constant, type Value } from "./value.js";
import * as words from "./words.js";
import type { Word } from "./words.js";

/** Component d of the index that lies at `at`. */
function component(cell: Cell, equation: Equation, operand: number, at: readonly Expression[], d: number): Expression {
  const shape = shapeOf(equation, operand);
  return indexOf(cell.code, cell.read(equation, operand, Place.at(cell.code, shape, [...at, `${d}.0`])));
}

/** x of [batch…, n₁…n_k, rest…], indices of [batch…, i…, k] → [batch…, i…, rest…]. */
const gather: Rule = (cell, equation, place) => {
  const { code } = cell;
  const { batch, fill } = paramsOf<{ batch: number; fill: number }>(equation);
  const [shape, indices] = [shapeOf(equation, 0), shapeOf(equation, 1)];
  const depth = indices[indices.length - 1];
  const lead = indices.length - 1;
  const at = Array.from({ length: lead }, (_, i) => place.axis(i));
  const inside = code.variable("1.0");
  const index = Array.from({ length: depth }, (_, d) => {
    const raw = component(cell, equation, 1, at, d);
    const n = shape[batch + d];
    code.line(`if (${raw} < 0.0 || ${raw} > ${n - 1}.5) { ${inside} = 0.0; }`);
    return clamp(code, raw, 0, n - 1);
  });
  const rest = shape.slice(batch + depth).map((_, i) => place.axis(lead + i));
  const x = cell.read(equation, 0, Place.at(code, shape, [...at.slice(0, batch), ...index, ...rest]));
  const other: Value = constant(x.dtype === "bool" ? +(fill !== 0) : fill, x.dtype) ?? {
    dtype: x.dtype,
    parts: [cell.number(fill)],
  };
  return select(code, inside, x, other);
};

/** Combines all updates of [batch…, i…, rest…] whose index is the place, in ascending order. */
const scatter =
  (f: string, initial: number): Rule =>
  (cell, equation, place) => {
    const { code } = cell;
    const { batch, shape: lengths } = paramsOf<{ batch: number; shape: Shape }>(equation);
    const [updates, indices] = [shapeOf(equation, 0), shapeOf(equation, 1)];
    const lead = indices.length - 1;
    const group = Array.from({ length: batch }, (_, i) => place.axis(i));
    const dtype = equation.outputs[0].dtype;
    const total = new Accumulator(code, initial === 0 ? zero(dtype) : constant(initial, dtype)!);
    loopOver(code, indices.slice(batch, lead), (i) => {
      const at = [...group, ...i];
      const hits = lengths.map(
        (_, d) => `Math.abs(${component(cell, equation, 1, at, d)} - ${place.axis(batch + d)}) < 0.5`,
      );
      code.when(hits.join(" && "), () => {
        const rest = updates.slice(lead).map((_, k) => place.axis(batch + lengths.length + k));
        total.combine(f, cell.read(equation, 0, Place.at(code, updates, [...at, ...rest])));
      });
    });
    return total.value;
  };

/** Starts that are clamped so that a window fits. */
function starts(cell: Cell, equation: Equation, operand: number, shape: Shape, sizes: Shape): Expression[] {
  return shape.map((n, i) =>
    n === sizes[i] ? "0.0" : clamp(cell.code, component(cell, equation, operand, [], i), 0, n - sizes[i]),
  );
}

const dynamicSlice: Rule = (cell, equation, place) => {
  const { code } = cell;
  const { sizes } = paramsOf<{ sizes: Shape }>(equation);
  const shape = shapeOf(equation, 0);
  const from = starts(cell, equation, 1, shape, sizes);
  const axes = shape.map((_, i) => (from[i] === "0.0" ? place.axis(i) : code.let(`${from[i]} + ${place.axis(i)}`)));
  return cell.read(equation, 0, Place.at(code, shape, axes));
};

const dynamicUpdateSlice: Rule = (cell, equation, place) => {
  const { code } = cell;
  const [shape, sizes] = [shapeOf(equation, 0), shapeOf(equation, 1)];
  const from = starts(cell, equation, 2, shape, sizes);
  const inside = code.variable("1.0");
  const axes = shape.map((_, i) => {
    const at = code.let(`${place.axis(i)} - ${from[i]}`);
    code.line(`if (${at} < 0.0 || ${at} > ${sizes[i] - 1}.5) { ${inside} = 0.0; }`);
    return clamp(code, at, 0, sizes[i] - 1);
  });
  return select(code, inside, cell.read(equation, 1, Place.at(code, sizes, axes)), cell.read(equation, 0, place));
};

const rotations = [
  [13, 15, 26, 6],
  [17, 29, 16, 24],
] as const;

/** threefry2x32 with 20 rounds, word for word that of the CPU. */
const threefry: Rule = (cell, equation, place, output) => {
  const { code } = cell;
  const both = code.once(`threefry ${equation.outputs[0].id} ${place.id}`, () => {
    const [k0, k1, c0, c1] = equation.inputs.map(
      (x, i) => cell.read(equation, i, place.broadcastFrom(x.shape)).parts as Word,
    );
    const xor = (a: Word, b: Word): Word => words.bitwise(code, "c_xor16", a, b);
    const k2 = xor(xor(k0, k1), [`${0x1bd1}.0`, `${0x1bda}.0`]);
    const keys = [k0, k1, k2];
    let x0 = words.add(code, c0, k0);
    let x1 = words.add(code, c1, k1);
    for (let g = 0; g < 5; g++) {
      for (const by of rotations[g % 2]) {
        x0 = words.add(code, x0, x1);
        x1 = xor(rotate(code, x1, by), x0);
      }
      x0 = words.add(code, x0, keys[(g + 1) % 3]);
      x1 = words.add(code, words.add(code, x1, keys[(g + 2) % 3]), ["0.0", `${g + 1}.0`]);
    }
    return [x0, x1] as const;
  });
  return { dtype: "uint32", parts: both[output] };
};

/** To the left by a constant: ⌊h·2ˢ + l·2^(s−16)⌋ of either half. */
function rotate(code: Cell["code"], [high, low]: Word, by: number): Word {
  const [h, l] = by >= 16 ? [low, high] : [high, low];
  const s = by % 16;
  if (s === 0) return [h, l];
  const up = 2 ** s;
  const down = 2 ** (16 - s);
  const topH = code.let(`Math.floor(${h} / ${down}.0)`);
  const topL = code.let(`Math.floor(${l} / ${down}.0)`);
  return [
    code.let(`(${h} - ${topH} * ${down}.0) * ${up}.0 + ${topL}`),
    code.let(`(${l} - ${topL} * ${down}.0) * ${up}.0 + ${topH}`),
  ];
}

export const indexingRules: Readonly<Record<string, Rule>> = {
  gather,
  scatterAdd: /* @__PURE__ */ scatter("add", 0),
  scatterMax: /* @__PURE__ */ scatter("maximum", -1),
  dynamicSlice,
  dynamicUpdateSlice,
  threefry,
};
