/** Reductions: lines of the reduced axes, reduced over the last. */

import type { Engine } from "../engine.js";
import type { TfjsTensor } from "../tfjs.js";
import type { KernelTable, TfjsKernel } from "./kernel.js";

interface ReduceParams {
  readonly axes: readonly number[];
}

const over =
  (f: (engine: Engine, lines: TfjsTensor) => TfjsTensor): TfjsKernel =>
  (engine, [x], { axes }: ReduceParams, [out]) => [
    axes.length === 0 ? x : engine.reshape(f(engine, engine.lines(x, axes)), out.shape),
  ];

/** The engines know no extremes of bools. */
const extreme = (kernel: string): TfjsKernel =>
  over((engine, x) => {
    if (x.dtype === "bool") return engine.cast(engine.reduce(kernel, engine.cast(x, "int32")), "bool");
    const y = engine.reduce(kernel, x);
    if (x.dtype !== "float32") return y;
    return engine.where(anyNaN(engine, x), NaN, y);
  });

function anyNaN(engine: Engine, x: TfjsTensor): TfjsTensor {
  return engine.cast(engine.reduce("Max", engine.cast(engine.isNaN(x), "int32")), "bool");
}

/** Index of the first NaN, else of the first extreme; the engines' own skip NaN or stop at it. */
const argExtreme = (kernel: "ArgMax" | "ArgMin"): TfjsKernel =>
  over((engine, x) => {
    const index = (y: TfjsTensor, name: "ArgMax" | "ArgMin"): TfjsTensor =>
      engine.exact("ArgMax") ? engine.run(name, { x: y }, { axis: 1 }) : firstExtreme(engine, y, name);
    if (x.dtype !== "float32") return index(engine.cast(x, "int32"), kernel);
    const nan = engine.cast(engine.isNaN(x), "float32");
    const numbers = engine.where(engine.isNaN(x), kernel === "ArgMax" ? -Infinity : Infinity, x);
    return engine.where(anyNaN(engine, x), index(nan, "ArgMax"), firstExtreme(engine, numbers, kernel));
  });

/** The position of the first element that equals the extreme: wasm's ArgMax never finds −∞, and webgpu's any of several. */
function firstExtreme(engine: Engine, x: TfjsTensor, kernel: "ArgMax" | "ArgMin"): TfjsTensor {
  const best = engine.reduce(kernel === "ArgMax" ? "Max" : "Min", x);
  const attained = engine.equal(x, engine.reshape(best, [x.shape[0], 1]));
  if (engine.exact("ArgMax")) return engine.run("ArgMax", { x: engine.cast(attained, "float32") }, { axis: 1 });
  const n = x.shape[1];
  const places = engine.where(attained, engine.cast(engine.iota(n), "float32"), n);
  return engine.cast(engine.reduce("Min", places), "int32");
}

export const reduceKernels: KernelTable = {
  sum: /* @__PURE__ */ over((engine, x) => engine.reduce("Sum", x)),
  prod: /* @__PURE__ */ over((engine, x) => engine.reduce("Prod", x)),
  max: /* @__PURE__ */ extreme("Max"),
  min: /* @__PURE__ */ extreme("Min"),
  argMax: /* @__PURE__ */ argExtreme("ArgMax"),
  argMin: /* @__PURE__ */ argExtreme("ArgMin"),
};
