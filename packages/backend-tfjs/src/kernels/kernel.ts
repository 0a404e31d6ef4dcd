/** What the kernel of one primitive is here. */

import type { Aval } from "@curv/tensor";
import type { Engine } from "../engine.js";
import type { TfjsTensor } from "../tfjs.js";

/**
 * Computes the outputs of a primitive from tensors of the engine, whose shapes and dtypes are those of the operands. What it makes on the way is
 * freed by the caller. It may return an input itself. On webgl and webgpu, whose integers are floats, operands are within ±2²³ or what a float was cut
 * off to; nothing is known of int32 results until they were read.
 */
export type TfjsKernel = (
  engine: Engine,
  inputs: readonly TfjsTensor[],
  params: never,
  outs: readonly Aval[],
) => readonly TfjsTensor[];

export type KernelTable = Readonly<Record<string, TfjsKernel>>;
