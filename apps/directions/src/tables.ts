/** The tables of the page, which the terminal shows, too. */

import type { Table } from "app-frame";
import { isRight } from "./others.js";
import { strangerNames } from "./strangers.js";
import type { Study } from "./study.js";

/** A row for each component of each known mixture. */
export function knownTable({ known }: Study): Table {
  return {
    heads: ["Dimension", "κ", "κ of such samples", "κ by the mixture", "cos μ, μ̂", "R̄", "Newton steps", "|A(κ) − R̄|", "ms a fit", "µs of it for κ", "purity"], // prettier-ignore
    rows: known.results.flatMap(({ p, components, fits, purity }, i) =>
      components.map(({ truth, expected, fitted, cosine }, k) => [
        String(p),
        truth.toFixed(0),
        expected.toFixed(0),
        fitted.toFixed(0),
        cosine.toFixed(4),
        fits[k].meanLength.toFixed(3),
        String(fits[k].iterations),
        Math.abs(fits[k].residual).toExponential(0),
        k === 0 ? known.milliseconds[i].toFixed(1) : "",
        k === 0 ? known.microseconds[i].toFixed(1) : "",
        k === 0 ? purity.toFixed(3) : "",
      ]),
    ),
  };
}

export function digitsTable({ digits }: Study): Table {
  return {
    heads: ["Dimension", "digits", "iterations", "log-likelihood", "κ", "R̄", "purity", "NMI", "test accuracy"],
    rows: digits.map(({ result }) => {
      const range = (values: readonly number[], digits: number): string =>
        `${Math.min(...values).toFixed(digits)} – ${Math.max(...values).toFixed(digits)}`;
      return [
        String(result.p),
        String(result.counts.train),
        `${result.iterations}${result.converged ? "" : " (not converged)"}`,
        result.logLikelihood.toFixed(1),
        range(
          result.clusters.map((c) => c.concentration),
          0,
        ),
        range(
          result.clusters.map((c) => c.meanLength),
          2,
        ),
        result.purity.toFixed(3),
        result.normalisedMutualInformation.toFixed(3),
        result.testAccuracy.toFixed(3),
      ];
    }),
  };
}

/** AUROC of each kind of strangers in each space. */
export function strangersTable({ digits }: Study): Table {
  return {
    heads: ["Test digits against", ...digits.map(({ result }) => String(result.p))],
    rows: strangerNames.map((name) => [name, ...digits.map(({ result }) => result.auroc[name].toFixed(3))]),
  };
}

/** Where the others fail: `✗` marks what is wrong. */
export function othersTable({ comparison }: Study): Table {
  const show = (value: number | string, wanted: number, digits = 3): string =>
    isRight(value, wanted) ? Number(value).toFixed(digits) : `${words(value)} ✗`;
  return {
    heads: ["Dimension", "κ", "log(I·e^−κ)", "SciPy: log(ive)", "SciPy: ratio", "SciPy: logpdf at μ", "mpmath, 15 digits", "Curv, error", "Curv: ratio, error"], // prettier-ignore
    rows: comparison.rows.map(({ p, kappa, logIve, ratio, logPeak, scipy, mpmath, curv }) => [
      String(p),
      String(kappa),
      logIve.toFixed(3),
      show(scipy.logIve, logIve),
      show(scipy.ratio, ratio, 6),
      show(scipy.logPeak, logPeak),
      show(mpmath.logIve, logIve),
      curv.logError.toExponential(1),
      curv.ratioError.toExponential(1),
    ]),
  };
}

/** SciPy's own fit beside the solution. */
export function fitsTable({ comparison }: Study): Table {
  return {
    heads: ["Dimension", "R̄", "SciPy: vonmises_fisher.fit", "Curv"],
    rows: comparison.fits.map(({ p, meanLength, kappa, curv }) => [
      String(p),
      String(meanLength),
      isRight(kappa, curv) ? Number(kappa).toFixed(3) : `${words(kappa)} ✗`,
      curv.toFixed(3),
    ]),
  };
}

function words(value: number | string): string {
  const names: Readonly<Record<string, string>> = { "-inf": "−∞", inf: "∞", nan: "not a number", NoConvergence: "no convergence" }; // prettier-ignore
  return typeof value === "number" ? value.toExponential(0) : (names[value] ?? value);
}
