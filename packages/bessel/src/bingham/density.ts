/** Log normaliser, log density, moments, entropy and Kullback–Leibler divergence. */

import {
  arange,
  asinh,
  atan2,
  cosh,
  grad,
  log1p,
  matrixTranspose,
  maximum,
  minimum,
  ShapeError,
  sinh,
  stopGradient,
  type Tensor,
} from "@curv/tensor";
import { saddle } from "./saddle.js";
import { requireFloats, requireParameters } from "../operands.js";

/** A Bingham distribution, or a batch of them: a tree of tensors. */
export interface Bingham {
  /** Orthonormal columns aᵢ: [..., p, p]. */
  readonly axes: Tensor;
  /** κᵢ: [..., p]. Adding a constant to all of them changes nothing. */
  readonly concentrations: Tensor;
}

/** p, at least 2. */
export function dimensionOf(distribution: Bingham, caller: string): number {
  requireParameters(caller, distribution, ["axes", "concentrations"]);
  const { axes, concentrations } = distribution;
  const p = concentrations.shape[concentrations.rank - 1];
  const [rows, columns] = axes.shape.slice(-2);
  if (axes.rank < 2 || concentrations.rank < 1 || p < 2 || rows !== p || columns !== p) {
    throw new ShapeError(
      `${caller}: axes have shape [${axes.shape.join(", ")}] and concentrations [${concentrations.shape.join(", ")}]; ` +
        "wants [..., p, p] and [..., p] with p >= 2.",
    );
  }
  return p;
}

/** The trapezoid rule has this many nodes on either side of the saddle point. */
const nodes = 128;

/**
 * The rate 1 − ½Re Σ1/(s + λᵢ) at which the integrand falls to the left beside the saddle point, at y = 2μ, and m of the parabola: where many λ balance
 * most of e^s the rate is small, and the parabola must be wide.
 */
function parabola(lambda: Tensor, mu: Tensor): { m: Tensor; rate: Tensor } {
  const p = lambda.shape[lambda.rank - 1];
  const w = stopGradient(lambda).add(mu.expandDims(-1)).reciprocal();
  const far = w.mul(mu.mul(2).expandDims(-1)).square(); // (yw)²
  const rate = w.mul(far).div(far.add(1)).sum(-1).mul(0.5); // prettier-ignore
  return { m: maximum(mu, minimum(rate.reciprocal().mul(23), Math.max(30, p / 2))), rate };
}

/**
 * log ∫exp(Σκᵢxᵢ²)dx over the unit sphere of ℝᵖ, for κ of shape [..., p]: [...]. Its derivatives in κ are the moments of xᵢ².
 *
 * With λᵢ = max κ − κᵢ the integral is e^{max κ}·2π^{p/2}·(1/2πi)∫e^s Π(s + λᵢ)^{−½}ds around the negative axis, here on the parabola
 * s = μ + iy − y²/4m through the saddle point μ. With y = μ·sinh v, which takes in scales from μ to m, the trapezoid rule converges
 * exponentially, so this is exact to rounding, about 2e-14·max(1, |value|), at every p. It costs 128·p complex logarithms. Derivatives of every
 * order follow, for the integral does not depend on the contour.
 *
 * Source: Kume & Wood, Saddlepoint approximations for the Bingham and Fisher–Bingham normalising constants (2005), for the integral; Weideman &
 * Trefethen, Parabolic and hyperbolic contours for computing the Bromwich integral (2007).
 */
export function logConstant(concentrations: Tensor): Tensor {
  requireConcentrations("logConstant", concentrations);
  const p = concentrations.shape[concentrations.rank - 1];
  const top = stopGradient(concentrations.max(-1));
  const lambda = concentrations.neg().add(top.expandDims(-1));
  const mu = saddle(lambda); // [...]
  const { m, rate } = parabola(lambda, mu);
  const step = asinh(m.div(rate).mul(184).sqrt().div(mu)).div(nodes); // e^{−rate·y²/4m} = e^{−46} at the last node
  const k = arange(1, nodes + 1, 1, { dtype: "float32" }).cast(concentrations.dtype);
  const v = step.expandDims(-1).mul(k); // [..., nodes]
  const y = sinh(v).mul(mu.expandDims(-1));
  const bend = y.square().div(m.mul(4).expandDims(-1)); // μ − Re s
  const base = lambda.add(mu.expandDims(-1)).expandDims(-2); // [..., 1, p]
  const [yy, bb] = [y.expandDims(-1), bend.expandDims(-1)]; // [..., nodes, 1]
  // |s + λ|²/(μ + λ)² − 1 = (y² − 2(μ + λ)·bend + bend²)/(μ + λ)²
  const rise = yy.square().add(bb.square()).sub(base.mul(bb).mul(2)).div(base.square()); // prettier-ignore
  const decay = bend.add(log1p(rise).sum(-1).mul(0.25)).neg(); // prettier-ignore
  const turn = y.sub(atan2(yy, base.sub(bb)).sum(-1).mul(0.5)); // prettier-ignore
  const wave = turn.cos().sub(y.div(m.mul(2).expandDims(-1)).mul(turn.sin())); // of ds = (i − y/2m)dy
  const sum = decay.exp().mul(cosh(v)).mul(wave).sum(-1).mul(2).add(1); // prettier-ignore
  const lead = mu.sub(base.squeeze(-2).log().sum(-1).mul(0.5));
  return top
    .add(lead)
    .add(sum.mul(step).mul(mu).log())
    .add((p / 2 - 1) * Math.log(Math.PI));
}

/** E(aᵢᵀx)², of the shape of κ: positive numbers that add up to 1. */
export function meanSquares(concentrations: Tensor): Tensor {
  requireConcentrations("meanSquares", concentrations);
  return grad((k: Tensor) => logConstant(k).sum())(concentrations);
}

function requireConcentrations(caller: string, concentrations: Tensor): void {
  requireFloats(caller, { concentrations });
  const { shape } = concentrations;
  if (shape.length < 1 || shape[shape.length - 1] < 2)
    throw new ShapeError(`${caller}: concentrations have shape [${shape.join(", ")}]; wants [..., p] with p >= 2.`);
}

/** (aᵢᵀx)², [..., p]. */
function squares(x: Tensor, axes: Tensor): Tensor {
  return x.expandDims(-2).matmul(axes).squeeze(-2).square();
}

/**
 * Log density at the unit vectors x: Σκᵢ(aᵢᵀx)² − {@link logConstant}(κ). Differentiable in all.
 *
 * @param x - [..., p], broadcast against the batch of the distribution.
 * @returns [...].
 * @throws ShapeError if the last axes differ.
 * Source: Bingham, An antipodally symmetric distribution on the sphere (1974).
 */
export function logProb(x: Tensor, distribution: Bingham): Tensor {
  const p = dimensionOf(distribution, "logProb");
  requireFloats("logProb", { x });
  if (x.rank < 1 || x.shape[x.rank - 1] !== p) {
    throw new ShapeError(`logProb: x has shape [${x.shape.join(", ")}]; wants [..., ${p}], as axes.`);
  }
  const { axes, concentrations } = distribution;
  return squares(x, axes).mul(concentrations).sum(-1).sub(logConstant(concentrations));
}

/** Differential entropy −E log f(x): [...]. */
export function entropy(distribution: Bingham): Tensor {
  dimensionOf(distribution, "entropy");
  const { concentrations } = distribution;
  return logConstant(concentrations).sub(meanSquares(concentrations).mul(concentrations).sum(-1));
}

/**
 * Kullback–Leibler divergence KL(f‖g) = E_f log(f/g): [...].
 *
 * @throws ShapeError if they live in different dimensions.
 */
export function kl(f: Bingham, g: Bingham): Tensor {
  const p = dimensionOf(f, "kl");
  if (dimensionOf(g, "kl") !== p) {
    throw new ShapeError(`kl: axes of dimensions ${p} and ${g.axes.shape[g.axes.rank - 1]}; wants one dimension.`);
  }
  const r = meanSquares(f.concentrations);
  const cosines = matrixTranspose(f.axes).matmul(g.axes).square(); // (aᵢᵀbⱼ)²
  const other = r.expandDims(-2).matmul(cosines).squeeze(-2).mul(g.concentrations).sum(-1);
  const own = r.mul(f.concentrations).sum(-1);
  return own.sub(logConstant(f.concentrations)).sub(other.sub(logConstant(g.concentrations)));
}
