/** The networks of the report. */

import { softmaxCrossEntropy } from "@curv/loss";
import { activation, conv, dense, flatten, groupNorm, maxPool, mlp, resnet, sequential, type Layer } from "@curv/nn";
import { pad, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { ravel } from "@curv/tensor/tree";
import { pixels, side } from "app-frame/digits";
import type { Architecture } from "./settings.js";

/** A network that reads digits. Its parameters are one vector: curvature is about functions of a vector. */
export interface Network {
  readonly name: string;
  /** Its layers, in words. */
  readonly description: string;
  /** Number of parameters. */
  readonly size: number;
  /** Parameters drawn from a key, [size]. */
  readonly init: (key: random.Key) => Tensor;
  /** Images [n, 784] to logits [n, 10]. */
  readonly apply: (params: Tensor, images: Tensor) => Tensor;
  /** The parameters as a tree, layer by layer. */
  readonly unravel: (params: Tensor) => LayerTree;
  /** As `apply`, for such a tree. */
  readonly applyTree: (params: LayerTree, images: Tensor) => Tensor;
  /** Names of the layers that have parameters, by their places in the tree. */
  readonly layerNames: ReadonlyMap<string, string>;
}

/** Parameters of layers, one entry for each. */
export type LayerTree = readonly unknown[];

/** One hidden layer with tanh: its loss is smooth, so that a Hessian means what 2/λ_max needs it to mean. */
export function digitMlp(hidden = 48): Network {
  const layers = mlp({ sizes: [pixels, hidden, 10], activation: "tanh" });
  return network("MLP", `784 → ${hidden} tanh → 10`, layers, (images) => images);
}

/**
 * Two small convolutions, 28 → 12 → 6 → 4. Its only stride is in the first, whose input needs no gradient: that of a strided convolution
 * works mostly on zeros.
 */
export function digitCnn(): Network {
  const layers = sequential([
    conv({ in: 1, out: 8, kernel: 5, stride: 2 }),
    activation("relu"),
    maxPool({ window: 2 }),
    conv({ in: 8, out: 16, kernel: 3 }),
    activation("relu"),
    flatten(),
    dense({ in: 16 * 4 * 4, out: 10 }),
  ]);
  const description = "5×5 conv 8 with stride 2, max-pool, 3×3 conv 16, both ReLU → 10";
  return network("CNN", description, layers, (images) => images.reshape(-1, 1, side, side));
}

function network<P>(
  name: string,
  description: string,
  layers: Layer<P> & { readonly layers: readonly Layer[] },
  prepare: (images: Tensor) => Tensor,
): Network {
  const flat = (key: random.Key): { vector: Tensor; unravel: (vector: Tensor) => unknown } =>
    ravel(layers.init(key) as never);
  const { vector, unravel } = flat(random.key(0));
  const applyTree = (params: LayerTree, images: Tensor): Tensor => layers.apply(params as P, prepare(images));
  return {
    name,
    description,
    size: vector.size,
    init: (key) => flat(key).vector,
    apply: (params, images) => applyTree(unravel(params) as LayerTree, images),
    unravel: unravel as (params: Tensor) => LayerTree,
    applyTree,
    layerNames: new Map(layers.layers.map(({ name: layer }, i) => [String(i), `${i + 1}: ${layer}`])),
  };
}

/** Channels of the first stage: a quarter of the paper's 16, so that a laptop takes its curvature in a minute. */
const resnetWidth = 4;

/**
 * ResNet-20 on the digits in 32 × 32 pixels. Group norm stands in the place of batch norm: the loss of an example is then a function of the
 * parameters alone, in training as in evaluation, and its Hessian needs no running statistics.
 */
export function digitResnet(): Network {
  const layers = resnet({
    depth: 20,
    in: 1,
    out: 10,
    width: resnetWidth,
    norm: (features) => groupNorm({ features, groups: 2 }),
  });
  const edge = (32 - side) / 2;
  const padded = (images: Tensor): Tensor =>
    pad(images.reshape(-1, 1, side, side), [
      [0, 0],
      [0, 0],
      [edge, edge],
      [edge, edge],
    ]);
  const description = `20 layers of ${resnetWidth}, ${2 * resnetWidth} and ${4 * resnetWidth} channels with shortcuts → 10`;
  return network("ResNet-20", description, layers, padded);
}

/** The networks, of an MLP with so many hidden units. */
export const architectures: Readonly<Record<Architecture, (hidden: number) => Network>> = {
  mlp: digitMlp,
  cnn: digitCnn,
  resnet20: digitResnet,
};

/** The mean cross-entropy of a network on digits, as a function of its parameters. */
export function digitLoss(network: Network, params: Tensor, images: Tensor, labels: Tensor): Tensor {
  return softmaxCrossEntropy(network.apply(params, images), labels);
}
