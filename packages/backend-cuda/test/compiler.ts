/**
 * NVIDIA's compiler, which needs no card. It is looked for where the package looks for it (`CURV_CUDA_LIB_DIR` names a folder). Of the
 * architectures sm_90 is compiled for, with `CURV_CUDA_NVRTC=all` sm_75, 80, 90, 100 and 120, or a list of numbers.
 */

import { openNvrtc, type Nvrtc } from "../src/nvrtc.js";

function find(): Nvrtc | string {
  try {
    return openNvrtc();
  } catch (error) {
    return (error as Error).message.split("\n")[0];
  }
}

/** The compiler, or why there is none: printed by the tests that then do not run. */
export const nvrtc: Nvrtc | string = find();

/** Those that are asked for and that the compiler knows; without a compiler all that are asked for. */
export function architectures(): number[] {
  const { CURV_CUDA_NVRTC: asked = "90" } = process.env;
  const wanted = asked === "all" ? [75, 80, 90, 100, 120] : asked.split(",").map(Number);
  return typeof nvrtc === "string"
    ? wanted
    : wanted.filter((architecture) => nvrtc.architectures.includes(architecture));
}

export interface Compiled {
  /** What is wrong: warnings, more than 128 registers, anything spilled, a log that says nothing of that. */
  readonly complaints: readonly string[];
  /** The most registers of a thread. */
  readonly registers: number;
}

/** Compiles kernels, given with their names, and says on the console what came of it where architectures are named. */
export function compileAll(sources: Iterable<readonly [string, string]>, architecture: number): Compiled {
  const complaints: string[] = [];
  let [count, most, heaviest] = [0, 0, ""];
  for (const [name, source] of sources) {
    count++;
    const { log, resources } = (nvrtc as Nvrtc).compile(source, architecture);
    if (/warning|error/.test(log)) complaints.push(`${name}: ${log.split("\n")[0]}`);
    for (const { registers, spilled } of resources) {
      if (registers > most) [most, heaviest] = [registers, name];
      if (spilled > 0 || registers > 128) complaints.push(`${name}: ${registers} registers, ${spilled} bytes spilled`);
    }
    if (resources.length === 0) complaints.push(`${name}: the log tells no registers`);
  }
  if (process.env.CURV_CUDA_NVRTC !== undefined) {
    console.log(
      `sm_${architecture}: ${count} kernels, at most ${most} registers (${heaviest}), ${complaints.length} complaints`,
    );
  }
  return { complaints, registers: most };
}
