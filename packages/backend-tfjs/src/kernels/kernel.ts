/** What the kernel of one primitive is here. */

import type { Aval } from "@curv/tensor";
import type { Engine } from "../engine.js";
import type { TfjsTensor } from "../tfjs.js";

/**
 * Computes the outputs of a primitive from tensors of the engine, whose shapes and dtypes are those of the operands. What it makes on the way is
 * freed by the caller. It may return an input itself.
 */
export type TfjsKernel = (
  engine: Engine,
  inputs: readonly TfjsTensor[],
  params: never,
  outs: readonly Aval[],
) => readonly TfjsTensor[];

export type KernelTable = Readonly<Record<string, TfjsKernel>>;
