/** The modified Bessel functions in float32 for the backends of kind "gpujs" (see `GpujsFunctions` of `@curv/backend-gpujs`). */

import { firstKind } from "./first-kind.js";
import { secondKind } from "./second-kind.js";
import type { SourceFunction } from "./source.js";
import { uniform } from "./uniform.js";

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

interface GpujsFunctions {
  functions(): readonly SourceFunction[];
  /** The function of the operands' elements; null if there is none, as of derivatives in the order. */
  nameOf(params: { readonly name: string; readonly n: number }): string | null;
}

export const gpujsFunctions: GpujsFunctions = {
  functions: () => [...uniform(), ...firstKind(), ...secondKind()],
  nameOf: ({ name, n }) => (n === 0 ? names[name] : null),
};
