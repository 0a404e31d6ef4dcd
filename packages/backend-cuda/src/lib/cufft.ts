/** Discrete Fourier transforms by cuFFT. */

import { CudaError } from "../errors.js";
import { bindAll, checked } from "../koffi-bind.js";
import { locate, type Host } from "../locate.js";
import type { FloatType } from "./cusolver.js";

const pointer = "void *";
const int = "int";
const long = "int64_t";

type CufftFunction =
  | "cufftCreate"
  | "cufftDestroy"
  | "cufftSetStream"
  | "cufftSetAutoAllocation"
  | "cufftSetWorkArea"
  | "cufftMakePlanMany64"
  | "cufftExecC2C"
  | "cufftExecZ2Z"
  | "cufftGetVersion";

/** Every function of the library that is called, with the types of its arguments. */
export const cufftSignatures: Readonly<Record<CufftFunction, readonly string[]>> = {
  cufftCreate: [pointer],
  cufftDestroy: [int],
  cufftSetStream: [int, pointer],
  cufftSetAutoAllocation: [int, int],
  cufftSetWorkArea: [int, pointer],
  // rank, n, inembed, istride, idist, onembed, ostride, odist, type, batch, work size
  cufftMakePlanMany64: [int, int, pointer, pointer, long, long, pointer, long, long, int, long, pointer],
  cufftExecC2C: [int, pointer, pointer, int],
  cufftExecZ2Z: [int, pointer, pointer, int],
  cufftGetVersion: [pointer],
};

const statuses: Readonly<Record<number, string>> = {
  1: "INVALID_PLAN",
  2: "ALLOC_FAILED",
  3: "INVALID_TYPE",
  4: "INVALID_VALUE",
  5: "INTERNAL_ERROR",
  6: "EXEC_FAILED",
  7: "SETUP_FAILED",
  8: "INVALID_SIZE",
  10: "INCOMPLETE_PARAMETER_LIST",
  11: "INVALID_DEVICE",
  12: "PARSE_ERROR",
  13: "NO_WORKSPACE",
  14: "NOT_IMPLEMENTED",
  16: "NOT_SUPPORTED",
};

export interface Cufft {
  readonly path: string;
  readonly version: number;
  /** Transforms `lines` lines of n complex numbers (re, im, re, im, …), one after the other, in place and unscaled. */
  transform(type: FloatType, n: number, lines: number, inverse: boolean, z: bigint): void;
  close(): void;
}

interface FourierPlan {
  readonly handle: number;
  readonly bytes: number;
}

/**
 * Opens cuFFT on a stream.
 *
 * @param workspace - Device memory of at least so many bytes, which the next call may use again.
 * @throws CudaError if it is not there.
 */
export function openCufft(stream: bigint, workspace: (bytes: number) => bigint, host?: Host): Cufft {
  const { path, handle } = locate("cufft", host);
  const call = checked(bindAll(handle, path, cufftSignatures), (name, result) => {
    const resultName = `CUFFT_${statuses[result] ?? "unknown"}`;
    return new CudaError(`cuda: ${name} returned ${result} (${resultName}).`, { call: name, result, resultName });
  });
  const version = new Int32Array(1);
  call.cufftGetVersion(version);
  /** All are kept: making one takes longer than most transforms, and recorded graphs use what a plan holds. */
  const plans = new Map<string, FourierPlan>();
  const makePlan = (type: FloatType, n: number, lines: number): FourierPlan => {
    const made = new Int32Array(1);
    call.cufftCreate(made);
    const [plan] = made;
    call.cufftSetStream(plan, stream);
    call.cufftSetAutoAllocation(plan, 0);
    const kinds = { float32: 0x29, float64: 0x69 }; // complex to complex
    const bytes = new BigUint64Array(1);
    call.cufftMakePlanMany64(plan, 1, BigInt64Array.of(BigInt(n)), null, 1, n, null, 1, n, kinds[type], lines, bytes);
    return { handle: plan, bytes: Number(bytes[0]) };
  };
  const planFor = (type: FloatType, n: number, lines: number): FourierPlan => {
    const key = `${type} ${n} ${lines}`;
    let plan = plans.get(key);
    if (plan === undefined) plans.set(key, (plan = makePlan(type, n, lines)));
    return plan;
  };
  return {
    path,
    version: version[0],
    transform: (type, n, lines, inverse, z) => {
      const plan = planFor(type, n, lines);
      if (plan.bytes > 0) call.cufftSetWorkArea(plan.handle, workspace(plan.bytes));
      const direction = inverse ? 1 : -1;
      if (type === "float32") call.cufftExecC2C(plan.handle, z, z, direction);
      else call.cufftExecZ2Z(plan.handle, z, z, direction);
    },
    close: () => {
      for (const plan of plans.values()) call.cufftDestroy(plan.handle);
      plans.clear();
    },
  };
}
