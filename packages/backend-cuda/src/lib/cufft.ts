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
  | "cufftExecR2C"
  | "cufftExecD2Z"
  | "cufftExecC2R"
  | "cufftExecZ2D"
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
  cufftExecR2C: [int, pointer, pointer],
  cufftExecD2Z: [int, pointer, pointer],
  cufftExecC2R: [int, pointer, pointer],
  cufftExecZ2D: [int, pointer, pointer],
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
  /** Of `lines` lines x of n real numbers, the first ⌊n/2⌋ + 1 values z of the forward transform: the others are their mirror image. */
  ofReal(type: FloatType, n: number, lines: number, x: bigint, z: bigint): void;
  /** The inverse transform, unscaled, to lines x of n real numbers, of which lines z of ⌊n/2⌋ + 1 values are the first. Destroys z. */
  toReal(type: FloatType, n: number, lines: number, z: bigint, x: bigint): void;
  close(): void;
}

type Kind = "complex" | "ofReal" | "toReal";

/** Numbers of `cufftType`. */
export const kinds: Readonly<Record<Kind, Readonly<Record<FloatType, number>>>> = {
  complex: { float32: 0x29, float64: 0x69 },
  ofReal: { float32: 0x2a, float64: 0x6a },
  toReal: { float32: 0x2c, float64: 0x6c },
};

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
  const makePlan = (kind: Kind, type: FloatType, n: number, lines: number): FourierPlan => {
    const made = new Int32Array(1);
    call.cufftCreate(made);
    const [plan] = made;
    call.cufftSetStream(plan, stream);
    call.cufftSetAutoAllocation(plan, 0);
    const half = Math.floor(n / 2) + 1;
    const [from, to] = { complex: [n, n], ofReal: [n, half], toReal: [half, n] }[kind];
    const number = kinds[kind][type];
    const bytes = new BigUint64Array(1);
    call.cufftMakePlanMany64(plan, 1, BigInt64Array.of(BigInt(n)), null, 1, from, null, 1, to, number, lines, bytes);
    return { handle: plan, bytes: Number(bytes[0]) };
  };
  /** A plan that is ready to be executed. */
  const ready = (kind: Kind, type: FloatType, n: number, lines: number): number => {
    const key = `${kind} ${type} ${n} ${lines}`;
    let plan = plans.get(key);
    if (plan === undefined) plans.set(key, (plan = makePlan(kind, type, n, lines)));
    if (plan.bytes > 0) call.cufftSetWorkArea(plan.handle, workspace(plan.bytes));
    return plan.handle;
  };
  return {
    path,
    version: version[0],
    transform: (type, n, lines, inverse, z) => {
      const plan = ready("complex", type, n, lines);
      const direction = inverse ? 1 : -1;
      if (type === "float32") call.cufftExecC2C(plan, z, z, direction);
      else call.cufftExecZ2Z(plan, z, z, direction);
    },
    ofReal: (type, n, lines, x, z) => {
      const plan = ready("ofReal", type, n, lines);
      if (type === "float32") call.cufftExecR2C(plan, x, z);
      else call.cufftExecD2Z(plan, x, z);
    },
    toReal: (type, n, lines, z, x) => {
      const plan = ready("toReal", type, n, lines);
      if (type === "float32") call.cufftExecC2R(plan, z, x);
      else call.cufftExecZ2D(plan, z, x);
    },
    close: () => {
      for (const plan of plans.values()) call.cufftDestroy(plan.handle);
      plans.clear();
    },
  };
}
