/** From feature maps to features. */

import { ShapeError } from "@curv/tensor";
import { checkInput } from "./arguments.js";
import { stateless, type Stateless } from "./layer.js";

export interface Flatten extends Stateless<null> {
  readonly name: "flatten";
}

/** All axes after the batch as one: [batch, ...] to [batch, features]. */
export function flatten(): Flatten {
  return {
    name: "flatten",
    init: () => null,
    ...stateless((_params: null, x) => {
      checkInput(x, "flatten");
      if (x.rank === 0) throw new ShapeError("flatten: x is a scalar; wants [batch, …].");
      const [batch, ...rest] = x.shape;
      return x.reshape([batch, rest.reduce((product, n) => product * n, 1)]);
    }),
  };
}
