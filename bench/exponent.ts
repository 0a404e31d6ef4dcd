/** How cost grows with size: the exponent of a power law, fitted, beside that of the roofline's floor. */

import type { CaseResult, Row } from "./comparison.js";
import type { Results } from "./results.js";

export interface Fit {
  readonly exponent: number;
  /** NaN for two points. */
  readonly standardError: number;
}

export interface Point {
  readonly size: number;
  readonly seconds: number;
}

/** Least squares of log time on log size. */
export function fitExponent(points: readonly Point[]): Fit {
  const x = points.map(({ size }) => Math.log(size));
  const y = points.map(({ seconds }) => Math.log(seconds));
  const mean = (v: readonly number[]): number => v.reduce((a, b) => a + b, 0) / v.length;
  const [mx, my] = [mean(x), mean(y)];
  const sxx = x.reduce((sum, a) => sum + (a - mx) ** 2, 0);
  const exponent = x.reduce((sum, a, i) => sum + (a - mx) * (y[i] - my), 0) / sxx;
  const residual = x.reduce((sum, a, i) => sum + (y[i] - my - exponent * (a - mx)) ** 2, 0);
  return { exponent, standardError: Math.sqrt(residual / (points.length - 2) / sxx) };
}

/** A line of the plot of cost against size. */
export interface Growth {
  readonly series: string;
  readonly ours: readonly Point[];
  readonly peer: { readonly name: string; readonly points: readonly Point[] } | null;
  readonly floor: readonly Point[];
  /** Of the larger half of the sizes: below, calls cost more than work. */
  readonly fit: Fit;
  readonly peerFit: Fit | null;
  /** Between the two largest sizes: where a cache ends, or pages begin to cost, the fit may not see it yet. */
  readonly last: number;
  /** The exponent of the floor over the same sizes. */
  readonly theory: number;
  /** Whether the cost grows faster than the floor by more than 0.15 and two standard errors. */
  readonly worse: boolean;
}

/** Of every series with at least three sizes. */
export function growths(results: readonly Results[]): Growth[] {
  const cases = results
    .flatMap((r) => r.cases)
    .filter(({ series, work }) => series !== undefined && work !== undefined);
  return [...new Set(cases.map(({ series }) => series!))].flatMap((series) => {
    const group = cases.filter((c) => c.series === series);
    return group.length < 3 ? [] : [growthOf(series, group)];
  });
}

function growthOf(series: string, unsorted: readonly CaseResult[]): Growth {
  const group = unsorted.toSorted((a, b) => a.work!.size - b.work!.size);
  const pointsOf = (find: (row: Row) => boolean): Point[] =>
    group.flatMap(({ work, rows }) => {
      const row = rows.find((r) => r.measured !== null && find(r));
      return row === undefined ? [] : [{ size: work!.size, seconds: row.measured!.median }];
    });
  const ours = pointsOf(({ role }) => role === "ours");
  const peerPoints = pointsOf(({ role }) => role === "peer");
  const name = group.flatMap(({ rows }) => rows).find(({ role, measured }) => role === "peer" && measured)?.name;
  const floor = group.map(({ work, roof }) => ({ size: work!.size, seconds: roof!.floor }));
  const larger = <T>(points: readonly T[]): readonly T[] => points.slice(-Math.max(3, Math.ceil(points.length / 2)));
  const fit = fitExponent(larger(ours));
  const theory = fitExponent(larger(floor)).exponent;
  const excess = fit.exponent - theory;
  return {
    series,
    ours,
    peer: name === undefined ? null : { name, points: peerPoints },
    floor,
    fit,
    peerFit: peerPoints.length < 3 ? null : fitExponent(larger(peerPoints)),
    last: fitExponent(ours.slice(-2)).exponent,
    theory,
    worse: excess > 0.15 && excess > 2 * fit.standardError,
  };
}
