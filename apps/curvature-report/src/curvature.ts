/** What is measured of the curvature of a network's loss. */

import {
  crossEntropyOutput,
  gaussNewtonOperator,
  gradientNoiseScale,
  hessianOperator,
  hutchinsonTrace,
  inBatches,
  layersOf,
  lossSurface,
  spectralDensity,
  spectralMeasure,
  traceByLayer,
  type Data,
  type LossFunction,
  type LossSurface,
  type SpectralDensity,
} from "@curv/hvp";
import { eigsh } from "@curv/linsolve";
import { softmaxCrossEntropy } from "@curv/loss";
import { grad, isCurvError, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { dot } from "@curv/tensor/tree";
import { type Digits } from "app-frame/digits";
import { asBatch } from "./digits.js";
import { noCheckpoint, type Keep } from "./checkpoint.js";
import type { LayerTree, Network } from "./networks.js";

/** An eigenpair without its vector, which nobody reads. */
export interface Largest {
  readonly eigenvalue: number;
  /** ‖Av − θv‖ / |θ|. */
  readonly residual: number;
  readonly converged: boolean;
  /** Products with A. */
  readonly iterations: number;
  readonly tol: number;
}

export interface Trace {
  readonly trace: number;
  readonly standardError: number;
  /** Probes. */
  readonly iterations: number;
}

export interface LayerCurvature extends Trace {
  readonly layer: string;
  readonly parameters: number;
  /** Largest eigenvalue of the layer's own block. */
  readonly largest: number;
}

export interface Curvature {
  /** Digits over which the loss is averaged. */
  readonly digits: number;
  readonly largest: Largest;
  /** The largest eigenvalues, descending: of the Hessian, and of the Gauss–Newton matrix. */
  readonly top: readonly number[];
  readonly gaussNewton: { readonly top: readonly number[]; readonly trace: Trace };
  readonly smallest: number;
  readonly trace: Trace;
  readonly layers: readonly LayerCurvature[];
  /** Over λ, and over log₁₀ |λ|. */
  readonly density: { readonly linear: SpectralDensity; readonly log: SpectralDensity };
  /** tr Σ / ‖G‖²; null where the noise hides the gradient, as it does near a minimum. */
  readonly noiseScale: number | null;
  readonly surface: {
    readonly grid: LossSurface;
    /** The loss where the network is, and its slope along each direction: with the curvature, the parabola that they predict. */
    readonly loss: number;
    readonly slopes: readonly number[];
  };
}

export interface CurvatureOptions {
  /** Of the eigenvectors. Default 1e-3. */
  readonly tol?: number;
  /** Products with the Hessian for its largest eigenvalues, at most. Default 200. */
  readonly maxIter?: number;
  /** Eigenvalues at the upper end. Default 5. */
  readonly top?: number;
  readonly probes?: number;
  /** Lanczos runs and their steps, for the density. */
  readonly density?: { readonly probes: number; readonly steps: number };
  /** Points along each direction of the loss surface, odd. Default 21. */
  readonly points?: number;
  /** Takes each of the measurements from a run before, if it did it. Default: all are done. */
  readonly keep?: Keep;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (progress: { readonly fraction: number; readonly text: string }) => void;
}

/** Digits that the operators take at a time. */
const batchSize = 256;

export type DigitBatch = { readonly inputs: Tensor; readonly targets: Tensor };

/** The mean cross-entropy as a function of layers of parameters. */
export function layerLoss(network: Network): LossFunction<LayerTree, DigitBatch> {
  return (params, { inputs, targets }) => softmaxCrossEntropy(network.applyTree(params, inputs), targets);
}

export function digitBatch(digits: Digits): DigitBatch {
  const { images, labels } = asBatch(digits);
  return { inputs: images, targets: labels };
}

/** The curvature of the mean cross-entropy on these digits, from both ends of its spectrum to its density. */
export async function measureCurvature(
  network: Network,
  vector: Tensor,
  digits: Digits,
  key: random.Key,
  options: CurvatureOptions = {},
): Promise<Curvature> {
  const { tol = 1e-3, maxIter = 200, top = 5, probes = 64, points = 21, signal, onProgress } = options;
  const { keep = noCheckpoint.keep } = options;
  const { density = { probes: 4, steps: 48 } } = options;
  const params = network.unravel(vector);
  const loss = layerLoss(network);
  const whole = digitBatch(digits);
  const data = digits.count > batchSize ? inBatches(whole, { batchSize }) : whole;
  const keys = random.split(key, 5);
  const stop = signal === undefined ? {} : { signal };
  const hessian = hessianOperator(loss, params, data);
  const tell = (fraction: number, text: string): void => onProgress?.({ fraction, text });

  const upper = await keep("top eigenpairs", () =>
    eigsh(hessian, {
      k: top,
      tol,
      maxProducts: maxIter,
      verifyMultiplicity: false,
      key: keys[0],
      ...stop,
      onProgress: ({ products, converged }) =>
        tell(0.25 * (converged / top), `${converged} of ${top} eigenvalues after ${products} products`),
    }),
  );
  const values = Array.from(await upper.values.data());
  const residuals = await upper.residuals.data();
  const largest: Largest = {
    eigenvalue: values[0],
    residual: residuals[0] / Math.abs(values[0]),
    converged: upper.converged,
    iterations: upper.products,
    tol,
  };
  tell(0.25, `λ_max ${values[0].toPrecision(4)}`);
  const few = { tol: 1e-2, maxProducts: maxIter, verifyMultiplicity: false, check: false, key: keys[1], ...stop };
  const lower = await keep("smallest eigenvalue", () => eigsh(hessian, { ...few, k: 1, which: "smallest" }));

  const traces = await keep("traces", () =>
    traceByLayer(hessian, keys[2], {
      probes,
      ...stop,
      onProgress: ({ products }) => tell(0.3 + (0.2 * products) / probes, `trace, ${products} of ${probes} probes`),
    }),
  );
  const asTrace = ({ trace, standardError }: { trace: number; standardError: number }): Trace => ({
    trace,
    standardError,
    iterations: probes,
  });
  const layers: LayerCurvature[] = [];
  const blocks = layersOf(params);
  for (const [place, { selected, merge }] of blocks) {
    const block = hessianOperator((p: typeof selected, b: DigitBatch) => loss(merge(p), b), selected, data, {
      check: false,
    });
    // A basis of ten is enough for one eigenvalue to a hundredth, and costs half of the usual twenty products.
    const basisSize = Math.min(10, block.shape[0]);
    const largest = await keep(`layer ${place}`, async () =>
      (await eigsh(block, { ...few, k: 1, basisSize })).values.item(),
    );
    const ofLayer = traces.layers.get(place)!;
    layers.push({
      layer: network.layerNames.get(place) ?? place,
      parameters: ofLayer.size,
      largest,
      ...asTrace(ofLayer),
    });
    tell(0.5 + (0.1 * layers.length) / blocks.size, `λ_max of ${layers.length} of ${blocks.size} layers`);
  }

  const apply = (p: LayerTree, images: Tensor): Tensor => network.applyTree(p, images);
  const g = gaussNewtonOperator(apply, crossEntropyOutput, params, data);
  const ofG = await keep("Gauss–Newton eigenvalues", () => eigsh(g, { ...few, k: top, tol }));
  const traceG = await keep("Gauss–Newton trace", () => hutchinsonTrace(g, keys[2], { probes, ...stop }));

  const measure = await keep("spectral measure", () =>
    spectralMeasure(hessian, keys[3], {
      ...density,
      ...stop,
      onProgress: ({ products, of }) => tell(0.7 + (0.2 * products) / of, `density, ${products} of ${of} products`),
    }),
  );
  const floor = Math.abs(values[0]) * 1e-7;

  const direction = (i: number): LayerTree => hessian.domain.unravel(upper.vectors.slice(null, i)) as LayerTree;
  const directions: readonly [LayerTree] | readonly [LayerTree, LayerTree] =
    top > 1 ? [direction(0), direction(1)] : [direction(0)];
  const grid = await keep("loss surface", () =>
    lossSurface(loss, params, data, directions, {
      // Where the parabola would have doubled an ordinary loss.
      radius: 2 / Math.sqrt(Math.max(values[0], 1e-6)),
      points,
      check: false,
      ...stop,
    }),
  );
  tell(0.97, "loss surface");
  const gradient = grad(loss as never)(params as never, whole as never) as unknown as LayerTree;
  const slopes = directions.map((d) => dot(gradient as never, d as never).item());

  return {
    digits: digits.count,
    largest,
    top: values,
    gaussNewton: {
      top: Array.from(await ofG.values.data()),
      trace: { trace: traceG.trace, standardError: traceG.standardError, iterations: traceG.products },
    },
    smallest: await lower.values.item(),
    trace: asTrace(traces.total),
    layers,
    density: {
      linear: spectralDensity(measure, { points: 400 }),
      log: spectralDensity(measure, { scale: "log", floor, points: 400 }),
    },
    noiseScale: noiseScaleOf(loss, params, data),
    surface: {
      grid,
      loss: await loss(params, whole).item(),
      slopes: await Promise.all(slopes),
    },
  };
}

/** Null where the gradient is too small beside its noise to be seen. */
function noiseScaleOf(
  loss: LossFunction<LayerTree, DigitBatch>,
  params: LayerTree,
  data: Data<DigitBatch>,
): number | null {
  try {
    return gradientNoiseScale(loss, params, data, { check: false }).noiseScale;
  } catch (error) {
    if (isCurvError(error, "CURV_DOMAIN")) return null;
    throw error;
  }
}
