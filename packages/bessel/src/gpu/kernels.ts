/** The modified Bessel functions in float32 for the backends of kind "gpujs" (see `GpujsFunctions` of `@curv/backend-gpujs`). */

import { firstKind } from "./first-kind.js";
import { secondKind } from "./second-kind.js";
import { single, type SourceFunction } from "./source.js";
import { uniform } from "./uniform.js";
import { values } from "./values.js";

const names: Readonly<Record<string, string>> = {
  logIv: "c_besselLogI",
  logKv: "c_besselLogK",
  logIve: "c_besselLogScaledI",
  logKve: "c_besselLogScaledK",
  besselRatioI: "c_besselRatioI",
  besselRatioK: "c_besselRatioK",
  slopeI: "c_besselSlopeI",
  slopeK: "c_besselSlopeK",
  // What the paper's expressions lack is far below float32.
  paperI: "c_besselLogI",
  paperK: "c_besselLogK",
};

export interface GpujsFunctions<P> {
  functions(): readonly SourceFunction[];
  /** The function of the operands' elements; null if there is none, as of derivatives in the order. */
  nameOf(params: P): string | null;
}

interface Params {
  readonly name: string;
  readonly n: number;
}

const inFloat32 = (): readonly SourceFunction[] => [...uniform(single), ...firstKind(), ...secondKind()];

export const gpujsFunctions: GpujsFunctions<Params> = {
  functions: inFloat32,
  nameOf: ({ name, n }) => (n === 0 ? names[name] : null),
};

/** I and K themselves. */
export const gpujsValues: GpujsFunctions<{ readonly of: "I" | "K"; readonly scaled: boolean }> = {
  functions: () => [...inFloat32(), ...values()],
  nameOf: ({ of, scaled }) => `c_besselValue${scaled ? "Scaled" : ""}${of}`,
};
