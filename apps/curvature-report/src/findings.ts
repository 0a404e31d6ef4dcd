/** What the numbers say, in words: the table on the terminal and in the report, and the promises that a run checks. */

import type { Check } from "app-frame";
import type { Results } from "./experiment.js";
import type { NetworkResults } from "./study.js";

export interface Finding {
  readonly quantity: string;
  readonly value: string;
  readonly meaning: string;
}

/** Held-out accuracy that the networks of a default run reach. */
export const leastAccuracy = { mlp: 0.95, cnn: 0.97, resnet20: 0.94 } as const;

/** One row for each number. */
export function findings({ networks, stability }: Results): Finding[] {
  const { minimum, largest, measured } = stability;
  return [
    ...networks.flatMap(networkFindings),
    {
      quantity: "MLP, regularised: gradient norm at the minimum",
      value: exponential(minimum.gradientNorm),
      meaning:
        `${minimum.converged ? "converged to" : "NOT converged to"} ${exponential(minimum.tol)} in ${minimum.iterations} steps of L-BFGS ` +
        `(loss ${minimum.loss.toFixed(5)}); what is left of it could lower the loss by ${(100 * minimum.drift).toPrecision(2)} % in a run, at most`,
    },
    {
      quantity: "MLP, regularised: λ_max",
      value: largest.eigenvalue.toPrecision(5),
      meaning: `sharpest curvature at that minimum, weight decay ${stability.weightDecay} included; ${stopOf(largest)}`,
    },
    {
      quantity: "predicted threshold 2/λ_max",
      value: stability.predicted.toPrecision(5),
      meaning: "largest learning rate of gradient descent that a quadratic of this curvature allows",
    },
    {
      quantity: "measured threshold",
      value: measured.threshold.toPrecision(5),
      meaning:
        `the smallest rate at which the loss leaves the +${100 * stability.band} % band within ${stability.steps} steps; ` +
        `${measured.iterations} runs, ${measured.converged ? "" : "NOT "}narrowed to ±${(50 * measured.residual).toFixed(2)} %`,
    },
    {
      quantity: "measured / predicted",
      value: stability.ratio.toFixed(4),
      meaning:
        `1 is a perfect prediction; on an exact quadratic these ${stability.steps} steps would give ` +
        `${stability.quadraticRatio.toFixed(4)}, because a slow growth does not show in so few`,
    },
  ];
}

/** One row for each number of a network. */
export function networkFindings({ name, parameters, accuracy, curvature, batchRates }: NetworkResults): Finding[] {
  const { largest, trace, digits, smallest, gaussNewton, noiseScale } = curvature;
  return [
    {
      quantity: `${name}: held-out accuracy`,
      value: `${(100 * accuracy).toFixed(2)} %`,
      meaning: `digits read correctly that it never saw, with ${parameters.toLocaleString("en")} parameters`,
    },
    {
      quantity: `${name}: largest Hessian eigenvalue`,
      value: largest.eigenvalue.toPrecision(5),
      meaning: `sharpest curvature of the mean loss on ${digits} digits; ${stopOf(largest)}`,
    },
    {
      quantity: `${name}: trace of the Hessian`,
      value: `${trace.trace.toPrecision(4)} ± ${trace.standardError.toPrecision(2)}`,
      meaning:
        `sum of the curvatures of all directions, ${trace.iterations} random probes, ± one standard error; ` +
        `${(trace.trace / parameters).toExponential(1)} for an average direction` +
        (trace.trace > 0
          ? `, ${Math.round((largest.eigenvalue / trace.trace) * 1000) / 10} % of it in the sharpest one`
          : ""),
    },
    {
      quantity: `${name}: smallest Hessian eigenvalue`,
      value: smallest.toPrecision(3),
      meaning: `${((100 * Math.abs(smallest)) / largest.eigenvalue).toPrecision(2)} % of the largest, ${smallest < 0 ? "and negative: no minimum along that direction" : "and positive"}`,
    },
    {
      quantity: `${name}: Gauss–Newton matrix`,
      value: gaussNewton.top[0].toPrecision(5),
      meaning:
        `its largest eigenvalue, ${(gaussNewton.top[0] / largest.eigenvalue).toPrecision(3)} of the Hessian's; ` +
        `trace ${gaussNewton.trace.trace.toPrecision(4)} ± ${gaussNewton.trace.standardError.toPrecision(2)}`,
    },
    {
      quantity: `${name}: gradient noise scale`,
      value: noiseScale === null ? "—" : noiseScale.toPrecision(3),
      meaning:
        noiseScale === null
          ? "the noise of single digits hides what is left of the gradient"
          : "batches of so many digits have as much noise as gradient",
    },
    ...batchRates.rates.map(({ batch, ofEdge, linearised, measured: rate }) => ({
      quantity: `${name}: largest rate of SGD, batches of ${batch}`,
      value: rate.toPrecision(3),
      meaning: `in runs of ${batchRates.steps} steps from the trained network; ${linearised.toPrecision(3)} by linearised SGD, ${ofEdge.toPrecision(3)} by 2/λ_max of a batch`,
    })),
  ];
}

/** Converged or not, said truthfully. */
function stopOf({ converged, iterations, residual, tol }: Results["stability"]["largest"]): string {
  const products = `after ${iterations} Hessian-vector products`;
  if (converged) return `converged ${products}, residual ${exponential(residual)} ≤ ${exponential(tol)}`;
  return `NOT converged ${products}: residual ${exponential(residual)} > ${exponential(tol)}`;
}

function exponential(x: number): string {
  return x.toExponential(1);
}

/** Claims of a run that trains as long as the defaults do; a quick one promises nothing. */
export function checks({ settings, networks, stability }: Results): Check[] {
  if (settings.quick) return [];
  return [
    ...networks.map(({ name, architecture, accuracy }) => ({
      claim: `the ${name} reads at least ${100 * leastAccuracy[architecture]} % of held-out digits`,
      holds: accuracy >= leastAccuracy[architecture],
    })),
    {
      claim: "the largest eigenvalues of all Hessians converged",
      holds: networks.every(({ curvature }) => curvature.largest.converged),
    },
    {
      claim: "linearised SGD predicts the largest rates of all batches to a factor of 3",
      holds: networks.every(({ batchRates: { rates } }) =>
        rates.every(({ linearised, measured }) => Math.abs(Math.log(measured / linearised)) <= Math.log(3)),
      ),
    },
    {
      claim: "minimum, eigenvalue and threshold of the 2/λ_max check converged",
      holds: stability.minimum.converged && stability.largest.converged && stability.measured.converged,
    },
    { claim: "the measured threshold is within 5 % of 2/λ_max", holds: Math.abs(stability.ratio - 1) <= 0.05 },
  ];
}
