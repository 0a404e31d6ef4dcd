/** Curvature at scale: what a product with the Hessian of ResNet-20 costs beside a gradient, and beside double backward. */

import { hessianOperator, inBatches } from "@curv/hvp";
import { softmaxCrossEntropy } from "@curv/loss";
import { resnet } from "@curv/nn";
import { grad, jit, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { flatten, ravel } from "@curv/tensor/tree";
import type { Benchmark, Case, Contender } from "./comparison.js";
import { valuesOf } from "./inputs.js";
import { local } from "./local.js";
import { pythonPeer } from "./peers/python.js";

interface Size {
  readonly depth: number;
  readonly images: number;
  /** Of the images in a batch of ours: what is linearised once must fit into the memory of the kernels. */
  readonly batch: number;
  readonly side: number;
}

const usual: readonly Size[] = [
  { depth: 20, images: 32, batch: 32, side: 32 },
  { depth: 20, images: 256, batch: 32, side: 32 },
];

export function curvature(sizes: readonly Size[] = usual): Benchmark {
  return {
    title: "A product with the Hessian of a residual network, float32",
    note: "Batch norm as in evaluation. Curv: hessianOperator, whose gradient was linearised once where all images are one batch; PyTorch: double backward with the first graph kept.",
    cases: sizes.map(resnetCase),
    rounds: { rounds: 7, patience: 60 },
  };
}

function resnetCase({ depth, images, batch: batchSize, side }: Size): Case {
  const model = resnet({ depth, out: 10 });
  const params = model.init(random.key(0));
  const state = model.initState();
  const batch = {
    inputs: random.normal(random.key(1), { shape: [images, 3, side, side] }),
    targets: random.randint(random.key(2), 0, 10, { shape: [images] }),
  };
  const data = images > batchSize ? inBatches(batch, { batchSize }) : batch;
  const loss = (p: typeof params, { inputs, targets }: typeof batch): Tensor =>
    softmaxCrossEntropy(model.apply(p, inputs, { state }), targets);
  const v = random.normal(random.key(3), { shape: [ravel(params as never).vector.size] });
  const numbers = (x: Tensor): number[] => Array.from(x.dataSync());
  const gradient = jit((p: typeof params) => ravel(grad(loss as never)(p as never, batch as never) as never).vector);
  const own = (): Contender => {
    const hessian = hessianOperator(loss, params, data, { check: false });
    return local("curv repeated", () => hessian.matvec(v), numbers);
  };
  const leaves = flatten(params as never).leaves;
  const directions = flatten(ravel(params as never).unravel(v) as never).leaves;
  const inputs = [...leaves, ...directions, batch.inputs, batch.targets].map((x) => valuesOf(x.dataSync(), x.shape));
  return {
    name: `ResNet-${depth}, ${images} images of ${side} × ${side}${images > batchSize ? `, ${batchSize} at a time` : ""}`,
    ours: [own()],
    peers: [
      pythonPeer("PyTorch double backward", { library: "torch", task: "resnetHvp", precision: "float32", inputs }),
    ],
    yardsticks: [
      { name: "gradient", prepare: () => local("gradient", () => gradient(params), numbers) },
      {
        name: "PyTorch gradient",
        prepare: () =>
          pythonPeer("PyTorch gradient", {
            library: "torch",
            task: "resnetGradient",
            precision: "float32",
            inputs,
          }).prepare(),
      },
    ],
    // ReLU in float32: an activation that rounds to the other side of zero changes what is behind it.
    tolerance: 2e-3,
  };
}
