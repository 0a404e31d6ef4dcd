/** Functions of matrices: exponential, and any function of a symmetric matrix with derivatives right at repeated eigenvalues. */

import { epsilon, type FloatDType } from "../dtype.js";
import { DomainError } from "../errors.js";
import { matmul } from "../ops/dot.js";
import { matrixTranspose } from "../ops/movement.js";
import { where } from "../ops/select.js";
import { stopGradient } from "../ops/elementwise.js";
import { check } from "../primitives/check.js";
import { aval, definePrimitive, type Primitive } from "../primitives/primitive.js";
import { expmPrimitive } from "../primitives/linalg/expm.js";
import { range } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { closureConvert, customJvp, refuseHidden } from "../transform/custom.js";
import type { Graph } from "../transform/graph.js";
import { batchAll, batchGraph } from "../transform/graph-transforms.js";
import { runGraph } from "../transform/run-graph.js";
import { jvp } from "../transform/jvp.js";
import { ones } from "../create.js";
import { bind, bind1 } from "../transform/trace.js";
import { eigh } from "./eigen.js";
import { asSquare, checkFinite } from "./operands.js";

/** e^A, by scaling and squaring with Padé approximants (Higham 2005). Derivatives of every order. */
export function expm(a: Tensor): Tensor {
  const matrices = asSquare(a, "expm");
  checkFinite(matrices, "expm");
  return bind1(expmPrimitive, [matrices], null);
}

/** A function of a real number with its first two derivatives, elementwise on tensors. */
export interface ScalarFunction {
  readonly f: (x: Tensor) => Tensor;
  /** Default: by jvp of f. */
  readonly derivative?: (x: Tensor) => Tensor;
  /** Default: by jvp of the derivative. */
  readonly secondDerivative?: (x: Tensor) => Tensor;
}

const derivativeOf =
  (f: (x: Tensor) => Tensor) =>
  (x: Tensor): Tensor =>
    jvp(f, [x] as const, [ones(x.shape, { dtype: x.dtype })] as const).tangent;

/**
 * f(A) = V f(w) Vᵀ for symmetric A = V diag(w) Vᵀ. First and second derivatives use divided differences and are exact at repeated
 * eigenvalues, where differentiating through `eigh` is wrong; third ones go through eigh.
 *
 * @example
 * const sqrtA = symmetricFunction(A, { f: sqrt });
 */
export function symmetricFunction(a: Tensor, { f, derivative, secondDerivative }: ScalarFunction): Tensor {
  const matrices = asSquare(a, "symmetricFunction");
  checkFinite(matrices, "symmetricFunction");
  const f1 = derivative ?? derivativeOf(f);
  const f2 = secondDerivative ?? derivativeOf(f1);

  const value: (a: Tensor) => Tensor = customJvp(
    (m: Tensor) => {
      const { values, vectors } = eigh(m);
      return matmul(vectors.mul(f(values).expandDims(-2)), matrixTranspose(vectors));
    },
    ([m], [dm]) => ({ value: value(m), tangent: first(m, symmetrised(dm)) }),
  );

  // L(A, E) = V (f[wᵢ, wⱼ] ⊙ Vᵀ E V) Vᵀ
  const first = (m: Tensor, e: Tensor): Tensor => {
    const { graph, hidden } = closureConvert(
      "symmetricFunction",
      ([m, e]) => {
        const { values, vectors } = eigh(m);
        return [conjugate(vectors, firstDifferences(values, f, f1).mul(conjugateBack(vectors, e)))];
      },
      [m, e],
    );
    return bind1(symmetricDerivativePrimitive, [...hidden, m, e], { graph, second });
  };

  // D²(E₁, E₂)ᵢⱼ = Σₖ f[wᵢ, wₖ, wⱼ] (Ê₁ᵢₖ Ê₂ₖⱼ + Ê₂ᵢₖ Ê₁ₖⱼ)
  const second = (m: Tensor, e1: Tensor, e2: Tensor): Tensor => {
    const { values, vectors } = eigh(m);
    const p = conjugateBack(vectors, e1);
    const q = conjugateBack(vectors, e2);
    const differences = secondDifferences(values, f, f1, f2); // [i, k, j]
    const pairs = p
      .expandDims(-1)
      .mul(q.expandDims(-3))
      .add(q.expandDims(-1).mul(p.expandDims(-3)));
    return conjugate(vectors, differences.mul(pairs).sum(-2));
  };

  return value(matrices);
}

interface SymmetricDerivativeParams {
  /** (what f closes over…, A, E) → L(A, E). */
  readonly graph: Graph;
  /** D²(E₁, E₂) at A. */
  readonly second: (a: Tensor, e1: Tensor, e2: Tensor) => Tensor;
}

/**
 * L(A, E), the derivative of a function of symmetric matrices at A along E: linear in E and its own transpose. It is a primitive so that in
 * reverse mode, too, its derivative in A is D², not that of eigenvectors.
 *
 * @internal
 */
export const symmetricDerivativePrimitive: Primitive<SymmetricDerivativeParams> =
  /* @__PURE__ */ definePrimitive<SymmetricDerivativeParams>({
    name: "symmetricDerivative",
    shape: (inputs) => [aval(inputs[inputs.length - 1].shape, inputs[inputs.length - 1].dtype)],
    interpret: (inputs, { graph }) => runGraph(graph, inputs),
    standsFor: ({ graph }, operands) => ({ graph, takes: range(operands) }),
    jvp: (primals, tangents, params) => {
      const n = primals.length - 2;
      refuseHidden(tangents, n, "symmetricFunction");
      const [a, e] = primals.slice(n);
      const [da, de] = tangents.slice(n);
      const direct = de === null ? null : bind1(symmetricDerivativePrimitive, [...primals.slice(0, n), a, de], params);
      if (da === null) return [direct];
      const moved = params.second(a, e, symmetrised(da));
      return [direct === null ? moved : direct.add(moved)];
    },
    transpose: ([ct], inputs, _linear, params) => [
      ...new Array<null>(inputs.length - 1).fill(null),
      bind1(symmetricDerivativePrimitive, [...inputs.slice(0, -1), ct!], params),
    ],
    batch: (inputs, batched, { graph, second }, size) => {
      const n = inputs.length - 2;
      const whole = batchGraph(graph, [...batched.slice(0, n), true, true], size, [true]).graph;
      const matrices = batchAll(inputs.slice(n), batched.slice(n), size);
      return bind(symmetricDerivativePrimitive, [...inputs.slice(0, n), ...matrices], { graph: whole, second });
    },
  });

function symmetrised(x: Tensor): Tensor {
  return x.add(matrixTranspose(x)).mul(0.5);
}

/** V X Vᵀ. */
function conjugate(v: Tensor, x: Tensor): Tensor {
  return matmul(matmul(v, x), matrixTranspose(v));
}

/** Vᵀ X V. */
function conjugateBack(v: Tensor, x: Tensor): Tensor {
  return matmul(matmul(matrixTranspose(v), x), v);
}

/** Below this relative gap a quotient of differences has lost more than the derivative at the middle. */
function nearness(w: Tensor): number {
  return Math.cbrt(epsilon(w.dtype as FloatDType));
}

/** f[a, b] = (f(b) − f(a))/(b − a), f'((a + b)/2) where they are close. */
function firstDifferences(w: Tensor, f: (x: Tensor) => Tensor, f1: (x: Tensor) => Tensor): Tensor {
  const a = w.expandDims(-1);
  const b = w.expandDims(-2);
  const gap = b.sub(a);
  const middle = a.add(b).mul(0.5);
  const close = stopGradient(gap)
    .abs()
    .lessEqual(stopGradient(a).abs().maximum(stopGradient(b).abs()).mul(nearness(w)));
  const slope = f(b)
    .sub(f(a))
    .div(where(close, 1, gap));
  return where(close, f1(middle), slope);
}

/** f[a, c, b] of the eigenvalues at i, k, j, from the widest of the three gaps; f''(mean)/2 where all are close. */
function secondDifferences(
  w: Tensor,
  f: (x: Tensor) => Tensor,
  f1: (x: Tensor) => Tensor,
  f2: (x: Tensor) => Tensor,
): Tensor {
  const first = firstDifferences(w, f, f1);
  const i = w.expandDims(-1).expandDims(-1);
  const k = w.expandDims(-2).expandDims(-1);
  const j = w.expandDims(-2).expandDims(-2);
  // f[x, y] at the three pairs, placed on [i, k, j].
  const ik = first.expandDims(-1);
  const kj = first.expandDims(-3);
  const ij = first.expandDims(-2);
  const gapIJ = j.sub(i);
  const gapIK = k.sub(i);
  const gapKJ = j.sub(k);
  const [a, b, c] = [gapIJ, gapIK, gapKJ].map((g) => stopGradient(g).abs());
  const widest = a.maximum(b).maximum(c);
  const scale = stopGradient(i).abs().maximum(stopGradient(k).abs()).maximum(stopGradient(j).abs());
  const close = widest.lessEqual(scale.mul(nearness(w)));
  const useIJ = a.greaterEqual(widest);
  const useIK = b.greaterEqual(widest);
  const safe = (gap: Tensor, use: Tensor): Tensor => where(use, where(close, 1, gap), 1);
  const fromIJ = kj.sub(ik).div(safe(gapIJ, useIJ));
  const fromIK = kj.sub(ij).div(safe(gapIK, useIK));
  const fromKJ = ij.sub(ik).div(where(useIJ, 1, where(useIK, 1, where(close, 1, gapKJ))));
  const quotient = where(useIJ, fromIJ, where(useIK, fromIK, fromKJ));
  return where(close, f2(i.add(k).add(j).div(3)).mul(0.5), quotient);
}

function checkSpectrum(a: Tensor, caller: string, allowZero: boolean): Tensor {
  const matrices = asSquare(a, caller);
  checkFinite(matrices, caller);
  const { values } = eigh(stopGradient(matrices));
  check([values], [1], (w) => {
    const lowest = w.length === 0 ? 1 : w[0];
    if (lowest > 0 || (allowZero && lowest >= -1e-6 * Math.abs(w[w.length - 1]))) return null;
    const wants = allowZero ? "positive semi-definite" : "positive definite";
    return new DomainError(`${caller}: matrix is not ${wants}: its smallest eigenvalue is ${lowest}.`);
  });
  return matrices;
}

/** log A of symmetric positive definite A: the symmetric matrix with e^(log A) = A. */
export function logm(a: Tensor): Tensor {
  return symmetricFunction(checkSpectrum(a, "logm", false), {
    f: (x) => x.log(),
    derivative: (x) => x.reciprocal(),
    secondDerivative: (x) => x.square().reciprocal().neg(),
  });
}

/** The symmetric square root of symmetric positive semi-definite A (its derivative needs A positive definite). */
export function sqrtm(a: Tensor): Tensor {
  return symmetricFunction(checkSpectrum(a, "sqrtm", true), { f: (x) => x.maximum(0).sqrt() });
}

/** A^(−1/2) of symmetric positive definite A. */
export function invsqrtm(a: Tensor): Tensor {
  return symmetricFunction(checkSpectrum(a, "invsqrtm", false), { f: (x) => x.pow(-0.5) });
}

/** A^p of symmetric positive definite A, for real p. */
export function powm(a: Tensor, p: number): Tensor {
  return symmetricFunction(checkSpectrum(a, "powm", false), { f: (x) => x.pow(p) });
}
