/** Kernels over sliding windows: pooling, and convolution as its definition says it. */

import type { DType } from "@curv/tensor";
import { gridStride, kernelHead, parameters, printIndexTypes } from "./indexing.js";
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
 * Sums of windows, or where the largest elements are. `placed`: of windows over places of x, −1 where there is none.
 *
 * Arguments: x, (places,) y, n (windows), then for each axis: the length of the result, of x, of the window, the stride, the padding before, the
 * dilation.
 */
export function printWindow(
  kind: "windowSum" | "windowArgMax",
  dtype: DType,
  rank: number,
  wide: boolean,
  placed = false,
): string {
  const t = cTypes[dtype];
  const isFloat = dtype === "float32" || dtype === "float64";
  const axes = axesOf(rank);
  const coordinates = [...axes]
    .reverse()
    .map((i) => `const index_t o${i} = rest % (uindex_t)m${i} * s${i} - q${i}; rest /= (uindex_t)m${i};`)
    .join("\n    ");
  const sum = isFloat ? "total += x[at];" : `total = (${t})((unsigned int)total + (unsigned int)x[at]);`;
  const nan = isFloat ? " || (v != v && best == best)" : "";
  const [start, body, end] =
    kind === "windowSum"
      ? [`${t} total = 0;`, sum, "y[i] = total;"]
      : [
          `${t} best = 0; index_t index = -1;`,
          `${placed ? "const index_t place = places[at]; if (place < 0) continue;" : "const index_t place = at;"} const ${t} v = x[place]; if (index < 0 || v > best${nan}) { best = v; index = place; }`,
          "y[i] = (int)index;",
        ];
  return `${printIndexTypes(wide)}${kernelHead(windowThreads)} curv_window(const ${t}* __restrict__ x, ${placed ? "const int* __restrict__ places, " : ""}${kind === "windowSum" ? t : "int"}* __restrict__ y, ${parameters(["n", ...axes.flatMap((i) => [`m${i}`, `l${i}`, `w${i}`, `s${i}`, `q${i}`, `e${i}`])]).join(", ")}) {
  ${gridStride}
  for (index_t i = first; i < n; i += stride) {
    uindex_t rest = (uindex_t)i;
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
export function printConvolution(dtype: DType, rank: number, wide: boolean): string {
  const t = cTypes[dtype];
  const isFloat = dtype === "float32" || dtype === "float64";
  const axes = axesOf(rank);
  const coordinates = [...axes]
    .reverse()
    .map((i) => `const index_t o${i} = rest % (uindex_t)m${i} * s${i} - q${i}; rest /= (uindex_t)m${i};`)
    .join("\n    ");
  const taps = axes
    .map(
      (i) =>
        `for (index_t k${i} = 0; k${i} < w${i}; k${i}++) { const index_t d${i} = o${i} + k${i} * e${i}; if (d${i} < 0) continue; const index_t p${i} = b${i} == 1 ? d${i} : (uindex_t)d${i} / (uindex_t)b${i}; if (p${i} * b${i} != d${i}) continue; if (p${i} >= l${i}) continue;`,
    )
    .join("\n      ");
  const position = axes.reduce((text, i) => `(${text}) * l${i} + p${i}`, "image * channels + first_channel + c");
  const tap = axes.reduce((text, i) => `(${text}) * w${i} + k${i}`, "output * depth + c");
  const add = isFloat
    ? "total += x[at] * w[tap];"
    : `total = (${t})((unsigned int)total + (unsigned int)x[at] * (unsigned int)w[tap]);`;
  return `${printIndexTypes(wide)}${kernelHead(windowThreads)} curv_convolution(const ${t}* __restrict__ x, const ${t}* __restrict__ w, ${t}* __restrict__ y, ${parameters(["n", "channels", "outputs", "depth", "per_part", "skip_channels", "skip_images", ...axes.flatMap((i) => [`m${i}`, `l${i}`, `w${i}`, `s${i}`, `q${i}`, `e${i}`, `b${i}`])]).join(", ")}) {
  ${gridStride}
  for (index_t i = first; i < n; i += stride) {
    uindex_t rest = (uindex_t)i;
    ${coordinates}
    const index_t output = rest % (uindex_t)outputs, part = (uindex_t)output / (uindex_t)per_part;
    const index_t image = rest / (uindex_t)outputs + part * skip_images, first_channel = part * skip_channels;
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

/** Elements of a tile of an implicit product: outputs by places, and how many taps are read at a time. */
const [tileRows, tileColumns, tileTaps] = [64, 64, 16];
export const implicitTile: { readonly rows: number; readonly columns: number } = {
  rows: tileRows,
  columns: tileColumns,
};

/**
 * Convolution as a product whose right factor is never stored (implicit GEMM: Chetlur et al. 2014, "cuDNN"): rows are the outputs of a part,
 * columns the places of all images, and the taps of a window are gathered into shared memory as they are needed. A thread has 4 × 4 sums,
 * each in ascending order of the taps.
 *
 * Arguments as those of `printConvolution`, but with the number of places in the place of the number of elements. Grid: x over columns, y
 * over rows, z over parts.
 */
export function printImplicitConvolution(dtype: DType, rank: number, wide: boolean): string {
  const t = cTypes[dtype];
  const axes = axesOf(rank);
  const fma = dtype === "float64" ? "fma" : "fmaf";
  const isFloat = dtype === "float32" || dtype === "float64";
  const add = isFloat
    ? `sums[p][q] = ${fma}(left[p], right[q], sums[p][q]);`
    : `sums[p][q] = (${t})((unsigned int)sums[p][q] + (unsigned int)left[p] * (unsigned int)right[q]);`;
  const backwards = [...axes].reverse();
  const places = axes.map((i) => `m${i}`).join(" * ");
  const coordinates = backwards
    .map((i) => `const index_t o${i} = rest % (uindex_t)m${i} * s${i} - q${i}; rest /= (uindex_t)m${i};`)
    .join("\n  ");
  const taps = backwards
    .map(
      (i) =>
        `const index_t d${i} = o${i} + (index_t)(tap % (uindex_t)w${i}) * e${i}; tap /= (uindex_t)w${i}; const index_t p${i} = b${i} == 1 ? d${i} : d${i} / b${i}; inside = inside && d${i} >= 0 && p${i} < l${i} && p${i} * b${i} == d${i};`,
    )
    .join("\n      ");
  const position = axes.reduce((text, i) => `(${text}) * l${i} + p${i}`, "channel + (index_t)tap");
  const window = ["depth", ...axes.map((i) => `w${i}`)].join(" * ");
  const signature = [
    `const ${t}* __restrict__ x`,
    `const ${t}* __restrict__ w`,
    `${t}* __restrict__ y`,
    ...parameters(["n", "channels", "outputs", "depth", "per_part", "skip_channels", "skip_images", ...axes.flatMap((i) => [`m${i}`, `l${i}`, `w${i}`, `s${i}`, `q${i}`, `e${i}`, `b${i}`])]), // prettier-ignore
  ];
  return `${printIndexTypes(wide)}${kernelHead(windowThreads)} curv_implicit_convolution(${signature.join(", ")}) {
  __shared__ ${t} a[${tileTaps}][${tileRows + 4}];
  __shared__ ${t} b[${tileTaps}][${tileColumns}];
  const index_t part = (index_t)blockIdx.z, taps = ${window};
  const index_t first_row = (index_t)blockIdx.y * ${tileRows}, first_column = (index_t)blockIdx.x * ${tileColumns};
  const int column = (int)threadIdx.x % ${tileColumns}, layer = (int)threadIdx.x / ${tileColumns};
  // The place whose taps this thread gathers.
  const bool there = first_column + column < n;
  uindex_t rest = there ? (uindex_t)(first_column + column) : 0;
  ${coordinates}
  const index_t channel = ((index_t)rest + part * skip_images) * channels + part * skip_channels;
  const int row4 = (int)threadIdx.x / ${tileColumns / 4} * 4, column4 = (int)threadIdx.x % ${tileColumns / 4} * 4;
  ${t} sums[4][4] = {};
  for (index_t at = 0; at < taps; at += ${tileTaps}) {
#pragma unroll 1
    for (int k = layer; k < ${tileTaps}; k += ${windowThreads / tileColumns}) {
      uindex_t tap = (uindex_t)(at + k);
      bool inside = there && at + k < taps;
      ${taps}
      b[k][column] = inside ? x[${position}] : (${t})0;
    }
#pragma unroll 1
    for (int e = (int)threadIdx.x; e < ${tileTaps * tileRows}; e += ${windowThreads}) {
      const int k = e % ${tileTaps}, row = e / ${tileTaps};
      const index_t output = first_row + row;
      a[k][row] = output < per_part && at + k < taps ? w[(part * per_part + output) * taps + at + k] : (${t})0;
    }
    __syncthreads();
#pragma unroll 4
    for (int k = 0; k < ${tileTaps}; k++) {
      ${t} left[4], right[4];
#pragma unroll
      for (int p = 0; p < 4; p++) { left[p] = a[k][row4 + p]; right[p] = b[k][column4 + p]; }
#pragma unroll
      for (int p = 0; p < 4; p++)
#pragma unroll
        for (int q = 0; q < 4; q++) ${add}
    }
    __syncthreads();
  }
  const index_t places = ${places};
#pragma unroll
  for (int q = 0; q < 4; q++) {
    const index_t to = first_column + column4 + q;
    if (to >= n) break;
    const index_t image = (uindex_t)to / (uindex_t)places;
#pragma unroll
    for (int p = 0; p < 4; p++) {
      const index_t output = first_row + row4 + p;
      if (output < per_part) y[(image * outputs + part * per_part + output) * places + (to - image * places)] = sums[p][q];
    }
  }
}
`;
}
