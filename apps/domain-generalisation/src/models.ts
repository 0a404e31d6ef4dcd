/** The network of every experiment: two hidden layers with ReLU, and a linear head. */

import { headedModel, type HeadedLayers } from "@curv/hvp/domain";
import { activation, dense, sequential, type DenseParams, type Layer } from "@curv/nn";
import { glorot } from "@curv/nn/init";

export type Network = HeadedLayers<readonly (DenseParams | null)[], DenseParams>;

/** inputs → hidden → hidden → outputs, Xavier-uniform weights and zero biases, as in the authors' scripts. */
export function network(inputs: number, hidden: number, outputs: number): Network {
  const weightInit = glorot({ distribution: "uniform" });
  const layers: readonly Layer<DenseParams | null, null>[] = [
    dense({ in: inputs, out: hidden, weightInit }),
    activation("relu"),
    dense({ in: hidden, out: hidden, weightInit }),
    activation("relu"),
  ];
  return headedModel({ features: sequential(layers), head: dense({ in: hidden, out: outputs, weightInit }) });
}
