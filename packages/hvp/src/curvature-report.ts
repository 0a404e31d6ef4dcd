/** The curvature of a model's loss in one call: what one would measure first, in numbers and on a page. */

import { DomainError, pad, zeros } from "@curv/tensor";
import {
  expectArguments,
  expectOptions,
  eigsh,
  linearOperator,
  type AnyOperator,
  type LinearOperator,
} from "@curv/linsolve";
import { leavesWithPath, norm } from "@curv/tensor/tree";
import * as random from "@curv/tensor/random";
import { asBatches, meanOverExamples, type Data } from "./data.js";
import { spectralDensity, type SpectralDensity } from "./estimators/spectral-density.js";
import { negativeFraction, spectralMeasure, type SpectralMeasure } from "./estimators/spectral-measure.js";
import { layerRanges, traceByLayer, type BlockTrace } from "./estimators/trace-by-layer.js";
import type { LossFunction } from "./loss-function.js";
import { hessianFor, type HessianOptions } from "./operators/hessian.js";
import { reportPage } from "./report-page.js";
import { valueAndGradient } from "./transforms.js";
import { checkCount } from "./estimators/products.js";

export interface CurvatureReportOptions extends HessianOptions {
  /** Default key(0). */
  readonly key?: random.Key;
  /** How many eigenvalues at the upper end. Default 5. */
  readonly top?: number;
  /** Probes for the traces. Default 32. */
  readonly probes?: number;
  /** Runs and steps of Lanczos for the density. Default 4 of 48. */
  readonly density?: { readonly probes?: number; readonly steps?: number };
  /** Of eigenpairs, relative. Default 1e-4. */
  readonly tol?: number;
  /** Of the page. Default "Curvature of the loss". */
  readonly title?: string;
  /** What the page calls the layers, by their keys in the tree of parameters. Default: the paths of their tensors, as 0.bias, 0.weight. */
  readonly layerNames?: Readonly<Record<string, string>>;
  /** Stops the run: its promise is rejected with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Called as the work goes on, with what is being measured and how far that is. */
  readonly onProgress?: (progress: {
    readonly stage: "eigenvalues" | "trace" | "density" | "layers";
    readonly done: number;
  }) => void;
}

export interface Eigenvalue {
  readonly value: number;
  /** ‖H v − λ v‖: an eigenvalue is within that distance. */
  readonly residual: number;
}

/** A layer's own block of the Hessian. */
export interface LayerCurvature extends BlockTrace {
  /** Its largest eigenvalue, to 1 %. */
  readonly largest: Eigenvalue;
  /** The paths of its tensors. */
  readonly paths: readonly string[];
}

export interface CurvatureReport {
  readonly parameters: number;
  readonly loss: number;
  readonly gradientNorm: number;
  /** The largest eigenvalue of the Hessian: the sharpness. */
  readonly lambdaMax: number;
  /** The largest eigenvalues, descending. */
  readonly largest: readonly Eigenvalue[];
  readonly smallest: Eigenvalue;
  /** Whether all these eigenpairs reached `tol`, and the layers' 1 %. */
  readonly converged: boolean;
  readonly trace: BlockTrace;
  /** Of each layer's diagonal block, by its key in the tree of parameters. */
  readonly layers: ReadonlyMap<string, LayerCurvature>;
  /** Fraction of eigenvalues below −0.001 times the largest. */
  readonly negativeFraction: number;
  readonly density: SpectralDensity;
  readonly logDensity: SpectralDensity;
  /** What the densities are made of, for further questions: `traceOf`, `effectiveDimension`. */
  readonly measure: SpectralMeasure;
  /** 2/λ_max: gradient descent on the whole of the data diverges above it, with momentum β above (1 + β) times it. Infinity if λ_max ≤ 0. */
  readonly largestStableLearningRate: number;
  /** Products with the Hessian. */
  readonly products: number;
  /** All of it as one HTML page, which needs nothing else. */
  readonly page: string;
}

/**
 * Extreme eigenvalues, traces, spectral density and the largest stable learning rate of a loss, about 400 Hessian-vector products and some
 * ten for each layer.
 *
 * @throws As `hessianOperator` and `eigsh`.
 *
 * @example
 * const { lambdaMax, trace, largestStableLearningRate, page } = await curvatureReport(loss, params, batch);
 */
export async function curvatureReport<P, B>(
  loss: LossFunction<P, B>,
  params: P,
  data: Data<B>,
  options: CurvatureReportOptions = {},
): Promise<CurvatureReport> {
  const caller = "curvatureReport";
  expectOptions(caller, options, {
    key: "key", top: "number", probes: "number", density: "object", tol: "number", title: "text",
    layerNames: "object",
  }); // prettier-ignore
  const { key = random.key(0), top = 5, probes = 32, tol = 1e-4, title = "Curvature of the loss" } = options;
  const { signal, onProgress, layerNames = {} } = options;
  for (const [layer, name] of Object.entries(layerNames)) {
    expectArguments(caller, { [`options.layerNames.${layer}`]: [name, "text"] });
  }
  const hessian = hessianFor(loss, params, data, options, caller);
  const [n] = hessian.shape;
  if (!Number.isInteger(top) || top < 1) throw new DomainError(`${caller}: top is ${top}; wants a positive integer.`);
  if (!(tol >= 0)) throw new DomainError(`${caller}: tol is ${tol}; wants a number >= 0.`);
  checkCount(probes, caller, "probes");
  const k = Math.min(top, n);
  const stop = signal && { signal };
  type Stage = "eigenvalues" | "trace" | "density" | "layers";
  const tell = (stage: Stage, done: number): void => onProgress?.({ stage, done });

  const { mean } = meanOverExamples(
    asBatches(data, caller),
    (batch) => (p: P) => {
      const { value, grad } = valueAndGradient((q: P) => loss(q, batch))(p);
      return { value, grad };
    },
    caller,
  );
  const { value, grad } = mean(params);

  const settings = { tol, verifyMultiplicity: false, key: random.foldIn(key, 0), ...stop };
  const upper = await eigsh(hessian, {
    ...settings,
    k,
    onProgress: ({ converged }) => tell("eigenvalues", converged / (k + 1)),
  });
  // Nothing below is wanted as exactly: it is small, and slow to come.
  const lower = await eigsh(hessian, { ...settings, k: 1, which: "smallest", check: false, tol: Math.max(tol, 1e-2) });
  tell("eigenvalues", 1);
  const traces = await traceByLayer(hessian, random.foldIn(key, 1), {
    probes,
    ...stop,
    onProgress: ({ products, of }) => tell("trace", products / of),
  });
  const measure = await spectralMeasure(hessian, random.foldIn(key, 2), {
    probes: options.density?.probes ?? 4,
    steps: Math.min(options.density?.steps ?? 48, n),
    ...stop,
    onProgress: ({ products, of }) => tell("density", products / of),
  });

  const layers = new Map<string, LayerCurvature>();
  const ofLayers: { readonly products: number; readonly converged: boolean }[] = [];
  const paths = leavesWithPath(params as never).map(({ path }) => path);
  for (const [name, range] of layerRanges(params)) {
    const found = await eigsh(diagonalBlock(hessian, range), {
      ...settings,
      k: 1,
      check: false,
      tol: Math.max(tol, 1e-2),
    });
    ofLayers.push(found);
    layers.set(name, {
      ...traces.layers.get(name)!,
      largest: { value: await found.values.item(), residual: await found.residuals.item() },
      paths: paths.filter(([first]) => String(first ?? "") === name).map((path) => path.join(".")),
    });
    tell("layers", layers.size / traces.layers.size);
  }

  const [values, residuals] = await Promise.all([upper.values.data(), upper.residuals.data()]);
  const largest = Array.from(values, (v, i) => ({ value: v, residual: residuals[i] }));
  const lambdaMax = largest[0].value;
  const numbers = {
    parameters: n,
    loss: await value.item(),
    gradientNorm: await norm(grad as never).item(),
    lambdaMax,
    largest,
    smallest: { value: await lower.values.item(), residual: await lower.residuals.item() },
    converged: upper.converged && lower.converged && ofLayers.every(({ converged }) => converged),
    trace: traces.total,
    layers,
    negativeFraction: negativeFraction(measure, 1e-3 * Math.abs(lambdaMax)).trace,
    density: spectralDensity(measure),
    logDensity: spectralDensity(measure, { scale: "log", floor: Math.max(Math.abs(lambdaMax) * 1e-7, 1e-30) }),
    measure,
    largestStableLearningRate: lambdaMax > 0 ? 2 / lambdaMax : Infinity,
    products:
      [upper, lower].reduce((sum, run) => sum + run.products + run.verificationProducts, 0) +
      ofLayers.reduce((sum, run) => sum + run.products, 0) +
      traces.products +
      measure.products,
  };
  return { ...numbers, page: reportPage(numbers, title, layerNames) };
}

/** The block of a range of a symmetric operator's elements. */
function diagonalBlock<P>(a: LinearOperator<P>, [start, end]: readonly [number, number]): AnyOperator {
  const { dtype, eager } = a;
  const [n] = a.shape;
  return linearOperator({
    matvec: (v) => a.matvec(pad(v, [[start, n - end]])).slice([start, end]),
    domain: zeros([end - start], { dtype }),
    symmetric: true,
    eager,
  });
}
