/** Sliding windows: pooling and convolution. */

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
  const { window, stride, padding, dilation } = paramsOf<WindowParams>(equation);
  const x = planner.whole(equation.inputs[0]);
  const y = fresh(planner, out);
  const n = sizeOf(out.shape);
  const wide = needsWide([n, sizeOf(x.shape)]);
  const name = equation.primitive.name as "windowSum" | "windowArgMax";
  const axes = out.shape.flatMap((m, i) => [m, x.shape[i], window[i], stride[i], padding[i][0], dilation[i]]);
  launchOver(planner, equation, {
    source: printWindow(name, x.dtype, out.shape.length, wide),
    wide,
    name: "curv_window",
    n,
    threads: windowThreads,
    arrays: [x, y],
    numbers: [n, ...axes],
  });
  planner.set(out, y);
};

interface ConvParams {
  readonly stride: readonly number[];
  readonly padding: readonly (readonly [number, number])[];
  readonly inputDilation: readonly number[];
  readonly kernelDilation: readonly number[];
  readonly groups: number;
  readonly batchGroups: number;
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
