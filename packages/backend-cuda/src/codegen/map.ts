/** Kernels that compute every element of their results from elements of their operands: fused chains of elementwise primitives. */

import type { DType } from "@curv/tensor";
import { gridStride, kernelHead, parameters, printIndexTypes, printOffsets } from "./indexing.js";
import { preludeFor } from "./prelude.js";
import { printProgram } from "./scalar.js";
import { cTypes, typeOf, type ScalarProgram } from "./types.js";

/** How an array is walked: with the running number, always at its first element, or by strides. */
export type Access = "linear" | "scalar" | "strided";

export interface MapKernel {
  readonly program: ScalarProgram;
  /** Of each input. */
  readonly inputs: readonly Access[];
  /** Of each result: never scalar. */
  readonly outputs: readonly Access[];
  /** Axes of what is walked by strides. */
  readonly rank: number;
  /** Whether indices have 64 bits. */
  readonly wide: boolean;
  /** Elements that a thread loads at once; more than 1 only where nothing is strided. */
  readonly width: number;
}

/** Threads of a block. */
export const mapThreads = 256;

/** Elements of 16 bytes of the widest type. */
export function widthFor(types: readonly DType[]): number {
  return types.includes("float64") ? 2 : 4;
}

/**
 * Arguments: inputs, literals, outputs, the number of elements, lengths of all axes but the first, then the strides of each strided array,
 * inputs before outputs.
 */
export function printMap({ program, inputs, outputs, rank, wide, width }: MapKernel): string {
  const outTypes = program.results.map((value) => typeOf(program, value) as DType);
  const strided = [
    ...inputs.map((access, i) => ({ access, name: `x${i}` })),
    ...outputs.map((access, k) => ({ access, name: `y${k}` })),
  ].filter(({ access }) => access === "strided");
  const lengths = strided.length === 0 ? [] : Array.from({ length: rank - 1 }, (_, i) => `d${i + 1}`);
  const strideNames = strided.map(({ name }) => Array.from({ length: rank }, (_, i) => `${name}_${i}`));
  const signature = [
    ...program.inputs.map((type, i) => `const ${cTypes[type]}* __restrict__ x${i}`),
    ...program.literals.map((type, i) => `const ${cTypes[type]} c${i}`),
    ...outTypes.map((type, k) => `${cTypes[type]}* __restrict__ y${k}`),
    ...parameters(["n", ...lengths, ...strideNames.flat()]),
  ];
  const at = (access: Access, name: string): string =>
    access === "linear" ? `${name}[i]` : access === "scalar" ? `${name}[0]` : `${name}[i_${name}]`;
  const literals = program.literals.map((_, i) => `c${i}`);
  const offsets = printOffsets(
    "i",
    lengths,
    strided.map(({ name }, k) => ({ name: `i_${name}`, strides: strideNames[k] })),
  );
  const results = outTypes.map((type, k) => `${cTypes[type]} r${k};`).join(" ");
  const element = `${offsets} ${results}
    curv_f(${[...inputs.map((access, i) => at(access, `x${i}`)), ...literals, ...outTypes.map((_, k) => `r${k}`)].join(", ")});
    ${outputs.map((access, k) => `${at(access, `y${k}`)} = r${k};`).join(" ")}`;
  const vector = width === 1 ? "" : printVector(program, inputs, outTypes, literals, width);
  const from = width === 1 ? "first" : `n / ${width} * ${width} + first`;
  const text = `${printProgram(program)}
${kernelHead(mapThreads)} curv_map(${signature.join(", ")}) {
  ${gridStride}
${vector}  for (index_t i = ${from}; i < n; i += stride) {
    ${element}
  }
}
`;
  return `${printIndexTypes(wide)}${width === 1 ? "" : pack}${preludeFor(text)}${text}`;
}

const pack = "template <class T, int W> struct __align__(sizeof(T) * W) Pack { T v[W]; };\n";

/** The loop over whole packs. */
function printVector(
  program: ScalarProgram,
  inputs: readonly Access[],
  outTypes: readonly DType[],
  literals: readonly string[],
  width: number,
): string {
  const loads = inputs.flatMap((access, i) => {
    const type = cTypes[program.inputs[i]];
    return access === "linear"
      ? [`const Pack<${type}, ${width}> p${i} = ((const Pack<${type}, ${width}>*)x${i})[p];`]
      : [`const ${type} p${i} = x${i}[0];`];
  });
  const args = [
    ...inputs.map((access, i) => (access === "linear" ? `p${i}.v[j]` : `p${i}`)),
    ...literals,
    ...outTypes.map((_, k) => `q${k}.v[j]`),
  ];
  return `  for (index_t p = first; p < n / ${width}; p += stride) {
    ${loads.join("\n    ")}
    ${outTypes.map((type, k) => `Pack<${cTypes[type]}, ${width}> q${k};`).join(" ")}
#pragma unroll
    for (int j = 0; j < ${width}; j++) curv_f(${args.join(", ")});
    ${outTypes.map((type, k) => `((Pack<${cTypes[type]}, ${width}>*)y${k})[p] = q${k};`).join(" ")}
  }
`;
}
