/** Kernels over sliding windows: pooling, and convolution as its definition says it. */

import type { DType } from "@curv/tensor";
import { gridStride, parameters, printIndexTypes } from "./indexing.js";
import { cTypes } from "./types.js";

export const windowThreads = 256;

const axesOf = (rank: number): number[] => Array.from({ length: rank }, (_, i) => i);

/** Loops over the window, with `body` where it is inside of x; `at` is the position there. */
function printTaps(rank: number, body: string): string {
  const axes = axesOf(rank);
  const open = axes
    .map(
      (i) =>
        `for (index_t k${i} = 0; k${i} < w${i}; k${i}++) { const index_t p${i} = o${i} + k${i} * e${i}; if (p${i} < 0 || p${i} >= l${i}) continue;`,
    )
    .join("\n    ");
  const at = axes.reduce((text, i) => (text === "0" ? `p${i}` : `(${text}) * l${i} + p${i}`), "0");
  return `${open}\n    const index_t at = ${at}; ${body}\n    ${"}".repeat(rank)}`;
}

/**
 * Arguments: x, y, n (windows), then for each axis: the length of the result, of x, of the window, the stride, the padding before, the
 * dilation.
 */
export function printWindow(kind: "windowSum" | "windowArgMax", dtype: DType, rank: number): string {
  const t = cTypes[dtype];
  const isFloat = dtype === "float32" || dtype === "float64";
  const axes = axesOf(rank);
  const coordinates = [...axes]
    .reverse()
    .map((i) => `const index_t o${i} = rest % m${i} * s${i} - q${i}; rest /= m${i};`)
    .join("\n    ");
  const sum = isFloat ? "total += x[at];" : `total = (${t})((unsigned int)total + (unsigned int)x[at]);`;
  const nan = isFloat ? " || (v != v && best == best)" : "";
  const [start, body, end] =
    kind === "windowSum"
      ? [`${t} total = 0;`, sum, "y[i] = total;"]
      : [
          `${t} best = 0; index_t index = -1;`,
          `const ${t} v = x[at]; if (index < 0 || v > best${nan}) { best = v; index = at; }`,
          "y[i] = (int)index;",
        ];
  return `${printIndexTypes(true)}extern "C" __global__ void __launch_bounds__(${windowThreads}) curv_window(const ${t}* __restrict__ x, ${kind === "windowSum" ? t : "int"}* __restrict__ y, ${parameters(["n", ...axes.flatMap((i) => [`m${i}`, `l${i}`, `w${i}`, `s${i}`, `q${i}`, `e${i}`])]).join(", ")}) {
  ${gridStride}
  for (index_t i = first; i < n; i += stride) {
    index_t rest = i;
    ${coordinates}
    ${start}
    ${printTaps(rank, body)}
    ${end}
  }
}
`;
}

/**
 * Arguments: x [images, channels, S…], w [outputs, depth, K…], y, n (elements of y), images and channels of x, outputs, depth, outputs of a
 * part, channels that a part skips, images that a part skips; for each spatial axis the length of the result, of x, of the kernel, the
 * stride, the padding before, the dilation of the kernel, of the input.
 */
export function printConvolution(dtype: DType, rank: number): string {
  const t = cTypes[dtype];
  const isFloat = dtype === "float32" || dtype === "float64";
  const axes = axesOf(rank);
  const coordinates = [...axes]
    .reverse()
    .map((i) => `const index_t o${i} = rest % m${i} * s${i} - q${i}; rest /= m${i};`)
    .join("\n    ");
  const taps = axes
    .map(
      (i) =>
        `for (index_t k${i} = 0; k${i} < w${i}; k${i}++) { const index_t d${i} = o${i} + k${i} * e${i}; if (d${i} < 0 || d${i} % b${i} != 0) continue; const index_t p${i} = d${i} / b${i}; if (p${i} >= l${i}) continue;`,
    )
    .join("\n      ");
  const position = axes.reduce((text, i) => `(${text}) * l${i} + p${i}`, "image * channels + first_channel + c");
  const tap = axes.reduce((text, i) => `(${text}) * w${i} + k${i}`, "output * depth + c");
  const add = isFloat
    ? "total += x[at] * w[tap];"
    : `total = (${t})((unsigned int)total + (unsigned int)x[at] * (unsigned int)w[tap]);`;
  return `${printIndexTypes(true)}extern "C" __global__ void __launch_bounds__(${windowThreads}) curv_convolution(const ${t}* __restrict__ x, const ${t}* __restrict__ w, ${t}* __restrict__ y, ${parameters(["n", "channels", "outputs", "depth", "per_part", "skip_channels", "skip_images", ...axes.flatMap((i) => [`m${i}`, `l${i}`, `w${i}`, `s${i}`, `q${i}`, `e${i}`, `b${i}`])]).join(", ")}) {
  ${gridStride}
  for (index_t i = first; i < n; i += stride) {
    index_t rest = i;
    ${coordinates}
    const index_t output = rest % outputs, part = output / per_part;
    const index_t image = rest / outputs + part * skip_images, first_channel = part * skip_channels;
    ${t} total = 0;
    for (index_t c = 0; c < depth; c++) {
      ${taps}
      const index_t at = ${position}, tap = ${tap};
      ${add}
      ${"}".repeat(rank)}
    }
    y[i] = total;
  }
}
`;
}
