/** Where the weights of a model's layers stand in the tree of parameters, and whether a tree has them. */

import { BackendError, DTypeError, ShapeError, TreeError, isTensor, type Shape, type Tensor } from "@curv/tensor";
import { kindOf } from "../options.js";
import type { TfjsTensor } from "../tfjs.js";
import type { LayerParams, LayerVariable, LiveLayer } from "./layer.js";
import { cellName } from "./recurrent.js";

/** Where the weights of a layer are in the tree of parameters. */
export interface Place {
  readonly layer: LiveLayer;
  /** Names from the root. */
  readonly path: readonly string[];
}

/** A weight, with its names from the root. */
export interface Slot {
  readonly variable: LayerVariable;
  readonly path: readonly string[];
}

/** The places of all layers of a model, models within it included. A layer that is met again is where it was met first. */
export function placesOf(model: LiveLayer): readonly Place[] {
  const places = new Map<LiveLayer, Place>();
  const visit = (layer: LiveLayer, path: readonly string[]): void => {
    if (places.has(layer)) return;
    if (layer.layers !== undefined) {
      for (const inner of layer.layers) visit(inner, [...path, inner.name]);
      return;
    }
    places.set(layer, { layer, path });
    if (isModelForEveryStep(layer)) visit(layer.layer!, path);
  };
  visit(model, []);
  return [...places.values()];
}

/** Whether a layer is the TimeDistributed of a model: that model's layers have places of their own. */
export function isModelForEveryStep(layer: LiveLayer): boolean {
  return layer.getClassName() === "TimeDistributed" && layer.layer?.layers !== undefined;
}

/** The weights of a layer: TimeDistributed has those of its layer, Bidirectional two sets. */
export function slotsOf({ layer, path }: Place): Slot[] {
  const { forwardLayer: forward, backwardLayer: backward } = layer;
  if (forward !== undefined) {
    return [
      ...slotsOf({ layer: forward, path: [...path, "forward"] }),
      ...slotsOf({ layer: backward!, path: [...path, "backward"] }),
    ];
  }
  if (isModelForEveryStep(layer)) return [];
  if (layer.getClassName() === "TimeDistributed") return slotsOf({ layer: layer.layer!, path });
  const { cells } = layer.cell ?? {};
  if (cells !== undefined) return cells.flatMap((cell, i) => slotsOf({ layer: cell, path: [...path, cellName(i)] }));
  return layer.weights.map((variable) => ({ variable, path: [...path, weightName(variable)] }));
}

/** "kernel" of "dense_1/kernel". */
function weightName({ originalName }: LayerVariable): string {
  return originalName.slice(originalName.lastIndexOf("/") + 1);
}

/** A weight's value in the model, if that was not disposed. */
export function valueIn(caller: string, { variable, path }: Slot): TfjsTensor {
  try {
    return variable.read();
  } catch (cause) {
    throw new BackendError(`${caller}: the model's weight ${path.join(".")} was disposed.`, { cause });
  }
}

/** A tree while it is made. */
export type Tree = Record<string, unknown>;

/** What stands in the tree at a path; undefined where there is nothing. */
export function at(params: LayerParams, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (tree, name) => (typeof tree !== "object" || tree === null || isTensor(tree) ? undefined : (tree as Tree)[name]),
    params,
  );
}

export function put(tree: Tree, path: readonly string[], value: Tensor): void {
  const inner = path.slice(0, -1).reduce<Tree>((t, name) => (t[name] ??= {}) as Tree, tree);
  inner[path[path.length - 1]] = value;
}

/** The tree with other values at some paths; the rest is shared. */
export function replaced(
  params: LayerParams,
  entries: readonly (readonly [path: readonly string[], value: Tensor])[],
): LayerParams {
  const next: Tree = { ...params };
  for (const name of new Set(entries.map(([[first]]) => first))) {
    const own = entries.filter(([[first]]) => first === name);
    const leaf = own.find(([path]) => path.length === 1);
    next[name] =
      leaf === undefined
        ? replaced(
            params[name] as LayerParams,
            own.map(([path, value]) => [path.slice(1), value]),
          )
        : leaf[1];
  }
  return next as LayerParams;
}

/**
 * The weight at a path, of the shape that the model's has.
 *
 * @throws TreeError if it is missing or no tensor, ShapeError or DTypeError if it has another shape or no floats.
 */
export function weightAt(caller: string, params: LayerParams, path: readonly string[], shape: Shape): Tensor {
  const value = at(params, path);
  const name = ["params", ...path].join(".");
  if (!isTensor(value)) {
    const what =
      value === undefined ? "is missing" : `is no Tensor but ${kindOf(value)}; make one of it with tensor(…)`;
    throw new TreeError(`${caller}: ${name} ${what}.`);
  }
  if (value.shape.join() !== shape.join()) {
    throw new ShapeError(`${caller}: ${name} has shape [${value.shape.join(", ")}]; wants [${shape.join(", ")}].`);
  }
  if (value.dtype !== "float32" && value.dtype !== "float64") {
    throw new DTypeError(`${caller}: ${name} is ${value.dtype}; wants float32 or float64.`);
  }
  return value;
}
