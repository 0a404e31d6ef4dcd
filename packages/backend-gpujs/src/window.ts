/** Sliding windows: one thread reads the window of its element. */

import type { Expression } from "./code.js";
import { Place, linear } from "./place.js";
import { isBetter } from "./reduce.js";
import { Accumulator, integer, loopOver, paramsOf, shapeOf, zero, type Cell, type Rule } from "./rule.js";
import type { Equation } from "@curv/tensor";
import { stridesOf } from "@curv/tensor/backend";

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

export const windowRules: Readonly<Record<string, Rule>> = { windowSum, windowArgMax };
