/** Positions inside kernels: from a running number to offsets in strided arrays. Lengths and strides are arguments, so that a kernel serves all shapes. */

/** Beyond this number of elements indices have 64 bits. */
export const largest32: number = 2 ** 30;

/**
 * Splits `index` into coordinates over `rank` axes with the lengths `d1…` (the first axis needs none) and adds their offsets.
 *
 * @param offsets - Variables to declare, each with the names of its strides.
 */
export function printOffsets(
  index: string,
  lengths: readonly string[],
  offsets: readonly { readonly name: string; readonly strides: readonly string[] }[],
): string {
  const rank = lengths.length + 1;
  const lines = offsets.map(({ name }) => `index_t ${name} = 0;`);
  if (offsets.length === 0) return "";
  const rest = `${index}_rest`;
  lines.push(`index_t ${rest} = ${index};`);
  for (let axis = rank - 1; axis >= 0; axis--) {
    if (axis === 0) lines.push(...offsets.map(({ name, strides }) => `${name} += ${rest} * ${strides[0]};`));
    else {
      const [length, at] = [lengths[axis - 1], `${index}_${axis}`];
      lines.push(`const index_t ${at} = (index_t)((uindex_t)${rest} % (uindex_t)${length});`);
      lines.push(`${rest} = (index_t)((uindex_t)${rest} / (uindex_t)${length});`);
      lines.push(...offsets.map(({ name, strides }) => `${name} += ${at} * ${strides[axis]};`));
    }
  }
  return lines.join(" ");
}

/**
 * How every kernel starts. The second bound leaves a thread 128 registers: without one the compiler spills a few, to fit more blocks on a
 * multiprocessor.
 */
export function kernelHead(threads: number): string {
  return `extern "C" __global__ void __launch_bounds__(${threads}, ${Math.floor(65536 / 128 / threads)})`;
}

/** Types of indices. */
export function printIndexTypes(wide: boolean): string {
  return wide
    ? "typedef long long index_t;\ntypedef unsigned long long uindex_t;\n"
    : "typedef int index_t;\ntypedef unsigned int uindex_t;\n";
}

/** `index_t x0, index_t x1, …` */
export function parameters(names: readonly string[]): string[] {
  return names.map((name) => `const index_t ${name}`);
}

/** The running number of a thread and the number of threads, for loops that stride over the grid. */
export const gridStride: string = `const index_t first = (index_t)blockIdx.x * (index_t)blockDim.x + (index_t)threadIdx.x;
  const index_t stride = (index_t)gridDim.x * (index_t)blockDim.x;`;
