/** Residual blocks. */

import { ShapeError, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import {
  activation as activationLayer,
  activationFunction,
  type Activation,
  type ActivationFunction,
} from "./activation.js";
import { checkBranches, formatShape } from "./arguments.js";
import { childOptions, tapped } from "./container.js";
import type { ApplyOptions, Layer, ParamsOf, StateOf } from "./layer.js";

export interface ResidualOptions<S extends Layer> {
  /** What x passes on its way around the body. Default the identity; a 1×1 convolution where the body changes the shape. */
  readonly shortcut?: S;
  /** Applied to the sum. Default none. */
  readonly activation?: ActivationFunction;
}

export interface ResidualParams<B extends Layer, S extends Layer> {
  readonly body: ParamsOf<B>;
  readonly shortcut: ParamsOf<S>;
}

export interface ResidualState<B extends Layer, S extends Layer> {
  readonly body: StateOf<B>;
  readonly shortcut: StateOf<S>;
}

export interface Residual<B extends Layer, S extends Layer> extends Layer<ResidualParams<B, S>, ResidualState<B, S>> {
  readonly name: "residual";
  readonly body: B;
  readonly shortcut: S;
  readonly activation: ActivationFunction;
}

/**
 * y = f(body(x) + shortcut(x)).
 *
 * @throws ShapeError, when applied, if the two terms have different shapes.
 * Source: He, Zhang, Ren & Sun, Deep Residual Learning for Image Recognition (2016), eq. 1 and 2.
 *
 * @example
 * residual(sequential([dense({ in: 16, out: 16 }), activation("tanh"), dense({ in: 16, out: 16 })]));
 */
export function residual<const B extends Layer, const S extends Layer = Activation>(
  body: B,
  options: ResidualOptions<S> = {},
): Residual<B, S> {
  const { shortcut = activationLayer("identity") as Layer as S, activation = "identity" } = options;
  const f = activationFunction(activation, "residual", "activation");

  const plan = (options: ApplyOptions): { body: ApplyOptions; shortcut: ApplyOptions } => {
    const [bodyKey, shortcutKey] = options.key === undefined ? [] : random.split(options.key);
    const state = options.state as { readonly body?: unknown; readonly shortcut?: unknown } | undefined;
    return {
      body: childOptions(options, "body", bodyKey, state?.body),
      shortcut: childOptions(options, "shortcut", shortcutKey, state?.shortcut),
    };
  };
  const check = (params: unknown): void => checkBranches(params, ["body", "shortcut"], "residual", "params");
  const join = (options: ApplyOptions, x: Tensor, main: Tensor, around: Tensor): Tensor => {
    const y = tapped(options, "body", body, x, main);
    const z = tapped(options, "shortcut", shortcut, x, around);
    if (y.rank !== z.rank || y.shape.some((n, axis) => n !== z.shape[axis])) {
      throw new ShapeError(
        `residual: body returned shape ${formatShape(y.shape)}, shortcut ${formatShape(z.shape)}; they must be equal. Give a shortcut that changes the shape as the body does.`,
      );
    }
    return f(y.add(z));
  };

  const block: Layer<{ body: unknown; shortcut: unknown }, { body: unknown; shortcut: unknown }> = {
    name: "residual",
    init: (key, initOptions) => {
      const [bodyKey, shortcutKey] = random.split(key);
      return { body: body.init(bodyKey, initOptions), shortcut: shortcut.init(shortcutKey, initOptions) };
    },
    initState: (initOptions) => ({ body: body.initState(initOptions), shortcut: shortcut.initState(initOptions) }),
    apply: (params, x, options = {}) => {
      check(params);
      const own = plan(options);
      const main = body.apply(params.body, x, own.body);
      return join(options, x, main, shortcut.apply(params.shortcut, x, own.shortcut));
    },
    applyWithState: (params, x, options = {}) => {
      check(params);
      const own = plan(options);
      const [main, bodyState] = body.applyWithState(params.body, x, own.body);
      const [around, shortcutState] = shortcut.applyWithState(params.shortcut, x, own.shortcut);
      return [join(options, x, main, around), { body: bodyState, shortcut: shortcutState }];
    },
  };
  return {
    ...(block as Layer as Layer<ResidualParams<B, S>, ResidualState<B, S>>),
    name: "residual",
    body,
    shortcut,
    activation,
  };
}
