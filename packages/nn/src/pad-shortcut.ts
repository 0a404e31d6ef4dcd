/** The shortcut without parameters. */

import { DomainError, pad } from "@curv/tensor";
import { checkChannels, checkSize, checkSpatial } from "./arguments.js";
import { stateless, type Stateless } from "./layer.js";

export interface PadShortcutOptions {
  /** Number of input channels. */
  readonly in: number;
  /** Number of output channels, at least as many. */
  readonly out: number;
  /** Along each spatial axis. Default 1. */
  readonly stride?: number;
}

export interface PadShortcut extends Stateless<null> {
  readonly name: "padShortcut";
  readonly options: PadShortcutOptions;
}

/**
 * Every stride-th pixel, and out − in channels of zeros after those of the input: [batch, in, ...space] to [batch, out, ...⌈space/stride⌉].
 *
 * @throws DomainError for fewer outputs than inputs.
 * Source: He, Zhang, Ren & Sun, Deep Residual Learning for Image Recognition (2016), section 4.1, option A.
 */
export function padShortcut(options: PadShortcutOptions): PadShortcut {
  const { in: inputs, out: outputs, stride = 1 } = options;
  checkSize(inputs, "padShortcut", "in");
  checkSize(outputs, "padShortcut", "out");
  checkSize(stride, "padShortcut", "stride");
  if (outputs < inputs) {
    throw new DomainError(`padShortcut: out is ${outputs}; wants at least in = ${inputs}.`);
  }
  return {
    name: "padShortcut",
    options,
    init: () => null,
    ...stateless((_params: null, x) => {
      checkSpatial(x, "padShortcut");
      checkChannels(x, inputs, "padShortcut");
      const space = x.shape.slice(2);
      const taken = x.slice(null, null, ...space.map(() => [null, null, stride] as const));
      return pad(taken, [[0, 0], [0, outputs - inputs], ...space.map(() => [0, 0] as const)]);
    }),
  };
}
