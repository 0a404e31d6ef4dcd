/** Sliding windows: pooling and convolution. */

import type { Shape } from "@curv/tensor";
import type { ConvParams } from "@curv/tensor/backend";
import {
  implicitTile,
  printConvolution,
  printImplicitConvolution,
  printWindow,
  windowThreads,
} from "../codegen/window.js";
import { addressOf } from "../plan.js";
import { indexArguments, needsWide } from "../planner.js";
import { sizeOf } from "../view.js";
import { fresh, launchOver, paramsOf, type Lower } from "./lowering.js";

interface WindowParams {
  readonly window: readonly number[];
  readonly stride: readonly number[];
  readonly padding: readonly (readonly [number, number])[];
  readonly dilation: readonly number[];
}

export const windowed: Lower = (planner, equation) => {
  const [out] = equation.outputs;
  const x = planner.whole(equation.inputs[0]);
  const name = equation.primitive.name as "windowSum" | "windowArgMax";
  let y = x;
  for (const [i, pass] of passesOf(x.shape, out.shape, paramsOf<WindowParams>(equation)).entries()) {
    const { shape, params } = pass;
    // Sums are summed again; of largest elements the places are handed on.
    const placed = name === "windowArgMax" && i > 0;
    const from = y;
    y = fresh(planner, { dtype: out.dtype, shape });
    const n = sizeOf(shape);
    const wide = needsWide([n, sizeOf(x.shape), sizeOf(from.shape)]);
    const { window, stride, padding, dilation } = params;
    const axes = shape.flatMap((m, axis) => [m, from.shape[axis], window[axis], stride[axis], padding[axis][0], dilation[axis]]); // prettier-ignore
    launchOver(planner, equation, {
      source: printWindow(name, x.dtype, shape.length, wide, placed),
      wide,
      name: "curv_window",
      n,
      threads: windowThreads,
      arrays: placed ? [x, from, y] : [from, y],
      numbers: [n, ...axes],
    });
  }
  planner.set(out, y);
};

interface Pass {
  readonly shape: Shape;
  readonly params: WindowParams;
}

/**
 * Windows of several axes at once; or, where they overlap so much that this reads less than half, one axis after the other from the last,
 * which keeps the first of equal ones the first.
 */
function passesOf(from: Shape, to: Shape, params: WindowParams): Pass[] {
  const axes = params.window.flatMap((w, axis) => (w > 1 || from[axis] !== to[axis] ? [axis] : [])).reverse();
  const shape = [...from];
  const passes = axes.map((axis): Pass => {
    const only = <T>(all: readonly T[], otherwise: T): T[] => all.map((value, i) => (i === axis ? value : otherwise));
    shape[axis] = to[axis];
    return {
      shape: [...shape],
      params: {
        window: only(params.window, 1),
        stride: only(params.stride, 1),
        padding: only<readonly [number, number]>(params.padding, [0, 0]),
        dilation: only(params.dilation, 1),
      },
    };
  });
  // What is read, and what is written in between and read again.
  const cost = passes.map((pass, i) => sizeOf(pass.shape) * (sizeOf(pass.params.window) + (i === 0 ? 0 : 2)));
  const apart = passes.length > 1 && 2 * cost.reduce((a, b) => a + b, 0) < sizeOf(to) * sizeOf(params.window);
  return apart ? passes : [{ shape: to, params }];
}

export const convolution: Lower = (planner, equation) => {
  const [out] = equation.outputs;
  const params = paramsOf<ConvParams>(equation);
  const [x, w] = equation.inputs.map((input) => planner.whole(input));
  const y = fresh(planner, out);
  const n = sizeOf(out.shape);
  const parts = params.groups * params.batchGroups;
  const [images, outputs] = out.shape;
  const depth = w.shape[1];
  const axes = out.shape.slice(2).flatMap((m, i) => [
    m,
    x.shape[i + 2],
    w.shape[i + 2],
    params.stride[i],
    params.padding[i][0],
    params.kernelDilation[i],
    params.inputDilation[i],
  ]); // prettier-ignore
  const wide = needsWide([n, sizeOf(x.shape), sizeOf(w.shape)]);
  const sizes = [
    x.shape[1],
    outputs,
    depth,
    outputs / parts,
    params.batchGroups > 1 ? 0 : depth,
    params.batchGroups > 1 ? images : 0,
    ...axes,
  ];
  planner.set(out, y);
  const rank = out.shape.length - 2;
  const places = n / outputs;
  const tiles = { x: Math.ceil(places / implicitTile.columns), y: Math.ceil(outputs / parts / implicitTile.rows) };
  const worthTiles = outputs / parts >= leastTiled && sizeOf(w.shape) / outputs >= leastTiled && rank > 0;
  if (worthTiles && tiles.y <= mostOfGrid && parts <= mostOfGrid) {
    planner.launch({
      source: printImplicitConvolution(out.dtype, rank, wide),
      name: "curv_implicit_convolution",
      grid: { ...tiles, z: parts },
      threads: windowThreads,
      args: [...[x, w, y].map(addressOf), ...indexArguments(wide, [places, ...sizes])],
      label: `conv [${out.shape.join()}]`,
    });
    return;
  }
  launchOver(planner, equation, {
    source: printConvolution(out.dtype, rank, wide),
    name: "curv_convolution",
    n,
    threads: windowThreads,
    arrays: [x, w, y],
    numbers: [n, ...sizes],
    wide,
  });
};

/** With fewer outputs of a part, or fewer taps, tiles are mostly empty. */
const leastTiled = 8;
/** The second and third number of a grid are limited. */
const mostOfGrid = 65535;
