/** What SciPy and mpmath give for the same numbers, as `fixtures/others.py` found, beside what `@curv/bessel` gives now. */

import { readFile } from "node:fs/promises";
import { besselRatioI, inverseBesselRatioI, logIve } from "@curv/bessel";

/** Infinities, NaN and the names of errors are words. */
type Value = number | string;

/** At p dimensions and κ; the order is p/2 − 1. */
interface OthersRow {
  readonly p: number;
  readonly kappa: number;
  /** By mpmath's arithmetic with 60 digits and the power series. */
  readonly logIve: number;
  readonly ratio: number;
  /** log c_p(κ) + κ, the log density at the mean direction. */
  readonly logPeak: number;
  readonly scipy: Readonly<Record<"ive" | "iv" | "logIve" | "ratio" | "logPeak", Value>>;
  /** `log(besseli(v, kappa)) - kappa` with mpmath's 15 digits. */
  readonly mpmath: { readonly logIve: Value; readonly seconds: number };
}

interface Others {
  readonly scipyVersion: string;
  readonly mpmathVersion: string;
  readonly rows: readonly OthersRow[];
  /** SciPy's own fit of data whose mean has this length. */
  readonly fits: readonly { readonly p: number; readonly meanLength: number; readonly kappa: Value }[];
}

export interface ComparisonRow extends OthersRow {
  readonly curv: {
    readonly logIve: number;
    /** Relative to max(1, |value|). */
    readonly logError: number;
    readonly ratioError: number;
    /** Of κ from the reference's ratio, relative: ill-conditioned only where the ratio nears 1. */
    readonly kappaError: number;
  };
}

export interface Comparison extends Others {
  readonly rows: readonly ComparisonRow[];
  readonly fits: readonly (Others["fits"][number] & { readonly curv: number })[];
}

export async function compareWithOthers(): Promise<Comparison> {
  // From src and from dist alike.
  const file = new URL("../src/fixtures/others.json", import.meta.url);
  const others = JSON.parse(await readFile(file, "utf8")) as Others;
  return {
    ...others,
    rows: others.rows.map((row) => {
      const v = row.p / 2 - 1;
      const value = logIve(v, row.kappa);
      return {
        ...row,
        curv: {
          logIve: value,
          logError: Math.abs(value - row.logIve) / Math.max(1, Math.abs(row.logIve)),
          ratioError: Math.abs(besselRatioI(v, row.kappa) - row.ratio),
          kappaError: Math.abs(inverseBesselRatioI(v, row.ratio) / row.kappa - 1),
        },
      };
    }),
    fits: others.fits.map((fit) => ({ ...fit, curv: inverseBesselRatioI(fit.p / 2 - 1, fit.meanLength) })),
  };
}

/** Whether a value is a number that is right to half its digits. */
export function isRight(value: Value, wanted: number): boolean {
  return typeof value === "number" && Math.abs(value - wanted) <= 1e-8 * Math.max(1, Math.abs(wanted));
}
