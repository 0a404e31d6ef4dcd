/** What containers pass on to the layers inside. */

import type { Tensor } from "@curv/tensor";
import type { Key } from "@curv/tensor/random";
import type { ApplyOptions, Layer } from "./layer.js";

/** What the layer at `step`, which remembers nothing, makes of x, after the tap. */
export function applyChild<P, S>(
  options: ApplyOptions,
  step: string,
  layer: Layer<P, S>,
  params: P,
  x: Tensor,
  key?: Key,
): Tensor {
  const own = childOptions(options, step, key, undefined) as ApplyOptions<S>;
  return tapped(options, step, layer as Layer, x, layer.apply(params, x, own));
}

/** Options for the layer at `step`: its own part of key and state, and taps that see paths from the whole. */
export function childOptions(
  options: ApplyOptions,
  step: string | number,
  key: Key | undefined,
  state: unknown,
): ApplyOptions {
  // Everything but key and state is for all layers alike.
  const { key: _key, state: _state, tap, ...shared } = options;
  return {
    ...shared,
    ...(key === undefined ? {} : { key }),
    ...(state === undefined ? {} : { state }),
    ...(tap === undefined ? {} : { tap: (y, place) => tap(y, { ...place, path: [step, ...place.path] }) }),
  };
}

/** The output of the layer at `step`, after the tap. */
export function tapped(
  options: ApplyOptions,
  step: string | number,
  layer: Layer,
  input: Tensor,
  output: Tensor,
): Tensor {
  return options.tap === undefined ? output : options.tap(output, { path: [step], layer, input });
}
