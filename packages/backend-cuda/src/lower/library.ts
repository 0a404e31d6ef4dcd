/** Steps that call the vendor's libraries, and what becomes of an operation where the library is not there. */

import { isTensor, type Equation } from "@curv/tensor";
import { itemBytes } from "../buffer.js";
import { CudaError } from "../errors.js";
import { librariesOf, whyMissing, type Libraries } from "../lib/libraries.js";
import type { Planner } from "../planner.js";
import { isContiguous, sizeOf, wholeView, type View } from "../view.js";
import type { Lower } from "./lowering.js";

export interface LibraryCall {
  /** Arrays that the library reads, and that it writes (or reads and writes): whole ones, row-major. */
  readonly reads?: readonly View[];
  readonly writes: readonly View[];
  /** Whether it only puts work on the stream; see `LibraryStep`. */
  readonly recordable: boolean;
  /** @param addresses - Of the first elements of what is read, then of what is written. */
  readonly call: (libraries: Libraries, addresses: readonly bigint[]) => void;
}

export function callLibrary(planner: Planner, equation: Equation, step: LibraryCall): void {
  const { reads = [], writes, recordable, call } = step;
  const offsets = [...reads, ...writes].map(({ offset, dtype }) => BigInt(offset * itemBytes(dtype)));
  planner.steps.push({
    kind: "library",
    equation,
    inputs: reads.map(({ array }) => array),
    outputs: writes.map(({ array }) => array),
    recordable,
    call: (device, addresses) => call(librariesOf(device), addresses.map((address, i) => address + offsets[i])), // prettier-ignore
  });
}

/** A whole array that begins where a library may read 16 bytes at once. */
export function aligned(planner: Planner, x: View): View {
  if ((x.offset * itemBytes(x.dtype)) % 16 === 0) return x;
  const copy = wholeView(planner.newArray(x.dtype, sizeOf(x.shape)), x.dtype, x.shape);
  planner.emitCopy(x, copy);
  return copy;
}

/** The lowering where the library is found; else the operation is refused, or done by the host if that is allowed. */
export function by(library: "cublas" | "cusolver" | "cufft", lowering: Lower): Lower {
  return (planner, equation) => {
    // cuSOLVER needs cuBLAS, and what is opened with own products only calls no library at all.
    const reason = !planner.options.library
      ? "the backend was opened without cuBLAS"
      : library === "cublas"
        ? null
        : whyMissing(library);
    if (reason === null) lowering(planner, equation);
    else if (planner.options.hostFallback) onHost(planner, equation);
    else {
      const { primitive, inputs } = equation;
      throw new CudaError(
        `${primitive.name}: cuda does this by ${library === "cusolver" ? "cuSOLVER" : library === "cufft" ? "cuFFT" : "cuBLAS"} on ${inputs[0].dtype}, and ${reason}. Move the operands with .to("cpu"), or open the backend with { hostFallback: true }.`,
      );
    }
  };
}

/** By the CPU's kernel, on copies. */
function onHost(planner: Planner, equation: Equation): void {
  const inputs = equation.inputs.map((atom) => {
    const x = planner.view(atom);
    const size = sizeOf(x.shape);
    if (isContiguous(x) && x.offset === 0 && planner.arrays[x.array].size === size) return x.array;
    const whole = wholeView(planner.newArray(x.dtype, size), x.dtype, x.shape);
    planner.emitCopy(x, whole);
    return whole.array;
  });
  const outputs = equation.outputs.map((out) => {
    const array = planner.newArray(out.dtype, sizeOf(out.shape));
    if (!isTensor(out)) planner.set(out, wholeView(array, out.dtype, out.shape));
    return array;
  });
  planner.steps.push({ kind: "host", equation, inputs, outputs });
}
