/** What the benches of elementwise operations share: one operation in each library, and the peers that run it. */

import type { Tensor } from "@curv/tensor";
import type * as Core from "@tensorflow/tfjs-core";
import type { Peer } from "./comparison.js";
import type { Precision } from "./inputs.js";
import { local } from "./local.js";
import type { Jax, JaxArray } from "./peers/jax-js.js";
import { startTfjs, type Tfjs } from "./peers/tfjs.js";

type TfTensor = Core.Tensor;

/** An operation on one or two vectors. */
export interface Operation {
  readonly name: string;
  readonly ours: (x: Tensor, y: Tensor) => Tensor;
  readonly tfjs: (tf: Tfjs, x: TfTensor, y: TfTensor) => TfTensor;
  readonly jax: (np: Jax["numpy"], x: JaxArray, y: JaxArray) => JaxArray;
  readonly operands: 1 | 2;
}

/** The operation in tfjs, whose results are disposed. */
export function tfjsPeer(run: Operation["tfjs"], data: readonly ArrayLike<number>[], precision: Precision): Peer {
  return {
    name: "tfjs",
    prepare: async () => {
      if (precision === "float64") throw new Error("tfjs has no float64");
      const { tf, description } = await startTfjs();
      const [a, b] = data.map((d) => tf.tensor1d(d as Float32Array));
      return local(
        description,
        () => run(tf, a, b),
        (r) => Array.from(r.dataSync()),
        (r) => r.dispose(),
      );
    },
  };
}
