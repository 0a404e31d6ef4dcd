/** Trained networks as files. */

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { FormatError, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { load, save } from "@curv/tensor/safetensors";
import { leavesWithPath, ravel } from "@curv/tensor/tree";
import type { LayerTree, Network } from "./networks.js";
import type { Architecture } from "./settings.js";

/** A network with its parameters. */
export interface Model {
  /** As the command line names it. */
  readonly architecture: Architecture;
  readonly network: Network;
  readonly params: Tensor;
}

/** Writes `directory`/architecture.safetensors for each, tensors named by layer: "0.weight". Returns the files. */
export async function saveModels(directory: string, models: readonly Model[]): Promise<string[]> {
  await mkdir(directory, { recursive: true });
  return Promise.all(
    models.map(async ({ architecture, network, params }) => {
      const file = join(directory, `${architecture}.safetensors`);
      await writeFile(file, save(network.unravel(params) as never));
      return file;
    }),
  );
}

/**
 * Parameters of a network from a file.
 *
 * @throws FormatError where the file is no safetensors file, or its tensors are not those of the network, naming the first that differs.
 */
export async function loadModel(file: string, network: Network): Promise<Tensor> {
  const tree = load<LayerTree>(await readFile(file));
  const found = new Map(
    leavesWithPath(tree as never).map(({ path, leaf }) => [path.join("."), leaf.shape.join(" × ")]),
  );
  const wanted = leavesWithPath(network.unravel(network.init(random.key(0))) as never);
  for (const { path, leaf } of wanted) {
    const [name, shape] = [path.join("."), leaf.shape.join(" × ")];
    if (found.get(name) !== shape) {
      throw new FormatError(
        `${file}: the tensor ${name} ${found.has(name) ? `is ${found.get(name)}` : "is missing"}; the ${network.name} wants one of ${shape}.`,
      );
    }
  }
  if (found.size !== wanted.length) {
    throw new FormatError(`${file}: ${found.size} tensors; the ${network.name} has ${wanted.length}.`);
  }
  return ravel(tree as never).vector;
}
