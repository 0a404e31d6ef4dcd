/** Kronecker factors as values. */

import { expectArguments } from "@curv/linsolve";
import { isFloat, DTypeError, isTensor, DomainError, TreeError, type Tensor } from "@curv/tensor";
import { eigh } from "@curv/tensor/linalg";

/** Curvature A ⊗ S of one layer's [W b], read as the map V ↦ S V A. A convolution in groups has a leading axis of groups everywhere. */
export interface LayerFactors {
  /** A [a, a], the second moment of the layer's inputs, with a 1 appended if it has a bias. */
  readonly inputs: Tensor;
  /** S [o, o], the second moment of the gradients with respect to its outputs. */
  readonly gradients: Tensor;
  /** Only of E-KFAC: what the curvature is instead. */
  readonly corrected?: CorrectedEigenvalues;
}

/** Curvature of a layer as V ↦ U_S (Λ ∘ (U_Sᵀ V U_A)) U_Aᵀ. */
export interface CorrectedEigenvalues extends Eigenbasis {
  /** Λ [o, a]. */
  readonly eigenvalues: Tensor;
}

/** Eigenvectors of a Kronecker product. */
export interface Eigenbasis {
  /** U_A [a, a], eigenvectors of A. */
  readonly inputBasis: Tensor;
  /** U_S [o, o], eigenvectors of S. */
  readonly gradientBasis: Tensor;
}

/** Kronecker-factored curvature as a tree of tensors: it can be saved, averaged, passed through `jit`. */
export interface KfacFactors {
  /** By the path of the layer's parameters, joined by dots: "0", "body.2". A layer that is the whole network is "". */
  readonly layers: Readonly<Record<string, LayerFactors>>;
  /** Diagonals for leaves of other layers, by path: "1.weight". What is in neither has the block zero. */
  readonly diagonal: Readonly<Record<string, Tensor>>;
}

/**
 * The exponential moving average decay · old + (1 − decay) · new of the factors. Corrected eigenvalues are first taken over to the eigenbasis of
 * the averaged factors, where the nearest diagonal matrix to U Λ Uᵀ in the Frobenius norm is its diagonal; their sum stays.
 *
 * @param decay - Default 0.95. In step k = 1, 2, … min(1 − 1/k, 0.95) is a mean of all so far until there are enough.
 * @throws DomainError for a decay outside [0, 1]; TreeError for factors of different networks.
 * Source: Martens & Grosse (2015), section 5; E-KFAC: George, Laurent, Bouthillier, Ballas & Vincent (2018), section 3.
 */
export function updateFactors(old: KfacFactors, latest: KfacFactors, decay: number | Tensor = 0.95): KfacFactors {
  checkFactors(old, "old", "updateFactors");
  checkFactors(latest, "latest", "updateFactors");
  if (!isTensor(decay)) expectArguments("updateFactors", { decay: [decay, "number"] });
  else if (!isFloat(decay.dtype)) throw new DTypeError(`updateFactors: decay is ${decay.dtype}; wants a float.`);
  if (typeof decay === "number" && !(decay >= 0 && decay <= 1)) {
    throw new DomainError(`updateFactors: decay is ${decay}; wants a number in [0, 1].`);
  }
  const rest = typeof decay === "number" ? 1 - decay : decay.neg().add(1);
  const blend = (a: Tensor, b: Tensor): Tensor => a.mul(decay).add(b.mul(rest));
  const layers = paired(old.layers, latest.layers, "layers").map(([name, a, b]) => {
    const inputs = blend(a.inputs, b.inputs);
    const gradients = blend(a.gradients, b.gradients);
    if ((a.corrected === undefined) !== (b.corrected === undefined)) {
      throw new TreeError(`updateFactors: only one of the factors of "${name}" is of E-KFAC; wants both, or none.`);
    }
    if (a.corrected === undefined || b.corrected === undefined) return [name, { inputs, gradients }] as const;
    const basis = eigenbasis({ inputs, gradients });
    const eigenvalues = blend(eigenvaluesIn(basis, a.corrected), eigenvaluesIn(basis, b.corrected));
    return [name, { inputs, gradients, corrected: { ...basis, eigenvalues } }] as const;
  });
  const diagonal = paired(old.diagonal, latest.diagonal, "diagonal").map(
    ([name, a, b]) => [name, blend(a, b)] as const,
  );
  return { layers: Object.fromEntries(layers), diagonal: Object.fromEntries(diagonal) };
}

/** Refuses what kfacFactors did not make. */
export function checkFactors(factors: KfacFactors, argument: string, caller: string): void {
  expectArguments(caller, { [argument]: [factors, "object"] });
  for (const part of ["layers", "diagonal"] as const) {
    expectArguments(caller, { [`${argument}.${part}`]: [factors[part], "object"] });
  }
}

/** Eigenvectors of A and of S. */
export function eigenbasis({ inputs, gradients }: LayerFactors): Eigenbasis {
  return { inputBasis: eigh(inputs).vectors, gradientBasis: eigh(gradients).vectors };
}

/** The diagonal of U Λ Uᵀ in another basis: with rotations M between the bases, (M_S ∘ M_S) Λ (M_A ∘ M_A)ᵀ. */
function eigenvaluesIn(
  { inputBasis, gradientBasis }: Eigenbasis,
  { inputBasis: oldInput, gradientBasis: oldGradient, eigenvalues }: CorrectedEigenvalues,
): Tensor {
  const input = inputBasis.T.matmul(oldInput).square();
  const gradient = gradientBasis.T.matmul(oldGradient).square();
  return gradient.matmul(eigenvalues).matmul(input.T);
}

function paired<T>(
  a: Readonly<Record<string, T>>,
  b: Readonly<Record<string, T>>,
  what: string,
): (readonly [string, T, T])[] {
  const [names, others] = [Object.keys(a).sort(), Object.keys(b).sort()];
  if (names.join() !== others.join()) {
    throw new TreeError(
      `updateFactors: ${what} are ${names.join(", ") || "none"} and ${others.join(", ") || "none"}; wants factors of one network.`,
    );
  }
  return names.map((name) => [name, a[name], b[name]]);
}
