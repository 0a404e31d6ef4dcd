/** Parameters as matrices [W b] of the layers with Kronecker factors, and what is left. */

import { check, concat, DomainError, ShapeError, TreeError, zeros, type FloatDType, type Tensor } from "@curv/tensor";
import { flatten, leavesWithPath, unflatten } from "@curv/tensor/tree";
import type { KfacFactors, LayerFactors } from "./factors.js";
import { leafName } from "./tapped-model.js";

/** Where in the leaves of the parameters each block is. */
export interface ParameterBlocks {
  readonly layers: readonly LayerBlock[];
  readonly others: readonly OtherBlock[];
}

interface LayerBlock {
  readonly factors: LayerFactors;
  /** Numbers of leaves; null without bias. */
  readonly weight: number;
  readonly bias: number | null;
}

interface OtherBlock {
  readonly leaf: number;
  /** Number of elements. */
  readonly size: number;
  /** Of the leaf's shape; a scalar 0 where no curvature is known. */
  readonly diagonal: Tensor;
}

/**
 * @throws TreeError for layers or leaves that the parameters do not have; ShapeError for factors of another size; DomainError where they are not
 * finite.
 */
export function parameterBlocks(params: unknown, factors: KfacFactors, caller: string): ParameterBlocks {
  const leaves = leavesWithPath(params as never).map(({ path, leaf }) => ({ name: path.join("."), leaf }));
  const find = (name: string): number => leaves.findIndex((other) => other.name === name);
  const layers = Object.entries(factors.layers).map(([name, layer]) => {
    const weight = find(leafName(name, "weight"));
    if (weight < 0) throw missing(leafName(name, "weight"), caller);
    const bias = find(leafName(name, "bias"));
    const hasBias = checkSizes(name, layer, leaves[weight].leaf, bias < 0 ? null : leaves[bias].leaf, caller);
    for (const [what, x] of [
      ["inputs", layer.inputs],
      ["gradients", layer.gradients],
    ] as const) {
      checkFinite(x, `layers[${JSON.stringify(name)}].${what}`, caller);
    }
    if (layer.corrected) checkFinite(layer.corrected.eigenvalues, `layers[${JSON.stringify(name)}].corrected`, caller);
    return { factors: layer, weight, bias: hasBias ? bias : null };
  });
  for (const [name, d] of Object.entries(factors.diagonal)) {
    const leaf = find(name);
    if (leaf < 0) throw missing(name, caller);
    const { shape } = leaves[leaf].leaf;
    if (shape.join() !== d.shape.join()) {
      throw new ShapeError(
        `${caller}: diagonal ${name} has shape [${d.shape.join(", ")}]; wants [${shape.join(", ")}], as the parameter has.`,
      );
    }
    checkFinite(d, `diagonal[${JSON.stringify(name)}]`, caller);
  }
  const taken = new Set(layers.flatMap(({ weight, bias }) => [weight, bias]));
  const others = leaves.flatMap(({ name, leaf }, i) => {
    if (taken.has(i)) return [];
    const diagonal = (factors.diagonal[name] as Tensor | undefined) ?? zeros([], { dtype: leaf.dtype as FloatDType });
    return [{ leaf: i, size: leaf.size, diagonal }];
  });
  return { layers, others };
}

/** A function of trees like the parameters, from functions of the matrices [W b] [..., o, a] and of the other leaves. */
export function onBlocks<P>(
  { layers, others }: ParameterBlocks,
  onLayer: (factors: LayerFactors) => (v: Tensor) => Tensor,
  onOther: (v: Tensor, diagonal: Tensor) => Tensor,
): (tree: P) => P {
  const functions = layers.map(({ factors }) => onLayer(factors));
  return (tree) => {
    const { leaves, structure } = flatten(tree as never);
    const results = [...leaves];
    layers.forEach(({ factors, weight, bias }, i) => {
      const matrices = factors.gradients.shape.slice(0, -1);
      const w = leaves[weight].reshape([...matrices, -1]);
      const v = bias === null ? w : concat([w, leaves[bias].reshape([...matrices, 1])], -1);
      const y = functions[i](v);
      const columns = w.shape[w.rank - 1];
      results[weight] = y.slice("...", [0, columns]).reshape(leaves[weight].shape);
      if (bias !== null) results[bias] = y.slice("...", columns).reshape(leaves[bias].shape);
    });
    for (const { leaf, diagonal } of others) results[leaf] = onOther(leaves[leaf], diagonal);
    return unflatten(structure, results) as P;
  };
}

/** Whether the factors are of [W b] rather than of W. */
function checkSizes(name: string, layer: LayerFactors, weight: Tensor, bias: Tensor | null, caller: string): boolean {
  const { inputs, gradients } = layer;
  const [a, o] = [inputs.shape[inputs.rank - 1], gradients.shape[gradients.rank - 1]];
  const groups = weight.shape[0] / o;
  const columns = weight.size / weight.shape[0];
  const square = [inputs, gradients].every(
    (x) => x.rank >= 2 && x.shape[x.rank - 2] === x.shape[x.rank - 1] && x.size === groups * x.shape[x.rank - 1] ** 2,
  );
  const wanted = [columns, ...(bias === null ? [] : [columns + 1])];
  if (square && wanted.includes(a)) return a === columns + 1;
  throw new ShapeError(
    `${caller}: the factors of ${JSON.stringify(name)} have shapes [${inputs.shape.join(", ")}] and [${gradients.shape.join(", ")}]; wants matrices of ${wanted.join(" or ")} and ${weight.shape[0]} for weights [${weight.shape.join(", ")}].`,
  );
}

function missing(name: string, caller: string): TreeError {
  return new TreeError(
    `${caller}: there are factors for ${name}, which the parameters do not have; wants factors of this network.`,
  );
}

function checkFinite(x: Tensor, name: string, caller: string): void {
  check([x], [x.rank], (values) =>
    values.every(Number.isFinite)
      ? null
      : new DomainError(`${caller}: ${name} is not finite; wants finite inputs, parameters and gradients.`),
  );
}
