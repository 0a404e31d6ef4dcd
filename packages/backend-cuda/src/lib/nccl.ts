/** Collectives between cards by NCCL: one communicator a card, all of them in this process. */

import type { DType } from "@curv/tensor";
import { forgetContext, type Device } from "../device.js";
import { CudaError } from "../errors.js";
import { bindAll, checked } from "../koffi-bind.js";
import { locate, type Host, type LocatedLibrary } from "../locate.js";

const pointer = "void *";
const int = "int";
const size = "int64_t";

type NcclFunction =
  | "ncclGetVersion"
  | "ncclCommInitAll"
  | "ncclCommDestroy"
  | "ncclCommAbort"
  | "ncclCommGetAsyncError"
  | "ncclGroupStart"
  | "ncclGroupEnd"
  | "ncclAllReduce"
  | "ncclBroadcast"
  | "ncclAllGather"
  | "ncclReduceScatter";

/** Every function of the library that is called and returns its status, with the types of its arguments. */
export const ncclSignatures: Readonly<Record<NcclFunction, readonly string[]>> = {
  ncclGetVersion: [pointer],
  ncclCommInitAll: [pointer, int, pointer],
  ncclCommDestroy: [pointer],
  ncclCommAbort: [pointer],
  ncclCommGetAsyncError: [pointer, pointer],
  ncclGroupStart: [],
  ncclGroupEnd: [],
  // what is sent, where it is received, elements, type, operation or root, communicator, stream
  ncclAllReduce: [pointer, pointer, size, int, int, pointer, pointer],
  ncclBroadcast: [pointer, pointer, size, int, int, pointer, pointer],
  ncclAllGather: [pointer, pointer, size, int, pointer, pointer],
  ncclReduceScatter: [pointer, pointer, size, int, int, pointer, pointer],
};

/** How the elements of all cards become one: `"avg"` is their sum over the number of cards. */
export type Reduction = "sum" | "max" | "min" | "avg";

/** Numbers of `nccl.h`. A bool is moved as a byte, and the maximum of bools is whether any is true. */
export const ncclNumbers: {
  readonly type: Readonly<Record<DType, number>>;
  readonly operation: Readonly<Record<Reduction, number>>;
} = {
  type: { bool: 1, int32: 2, uint32: 3, float32: 7, float64: 8 },
  operation: { sum: 0, max: 2, min: 3, avg: 4 },
};

const statuses: Readonly<Record<number, string>> = {
  1: "ncclUnhandledCudaError",
  2: "ncclSystemError",
  3: "ncclInternalError",
  4: "ncclInvalidArgument",
  5: "ncclInvalidUsage",
  6: "ncclRemoteError",
  7: "ncclInProgress",
  8: "ncclTimeout",
};

export type CollectiveKind = "allReduce" | "broadcast" | "allGather" | "reduceScatter";

/** What all cards of a group do together. */
export interface Collective {
  readonly kind: CollectiveKind;
  readonly dtype: DType;
  /** Elements: of each array, for `allGather` of what each card gives, for `reduceScatter` of what each one gets. */
  readonly count: number;
  /** For reductions. */
  readonly op: Reduction;
  /** For `broadcast`: the number in the group of the card that gives. */
  readonly root: number;
  /** Addresses, a card each. */
  readonly from: readonly bigint[];
  readonly to: readonly bigint[];
  /** For messages. */
  readonly label: string;
}

/** What runs collectives on the streams of its cards. */
export interface Communicator {
  /** All of them, after what is on the streams and before what is put on them next. */
  run(collectives: readonly Collective[]): void;
  close(): void;
}

interface Nccl {
  readonly path: string;
  readonly raw: ReturnType<typeof bindAll<typeof ncclSignatures>>;
  /** The error for what a call returned. */
  refused(name: string, result: number): CudaError;
}

/** @throws CudaError if it is not there. */
export function loadNccl(host?: Host): Nccl {
  const { path, handle } = locate("nccl", host);
  const lastError = handle.func("ncclGetLastError", "const char *", [pointer]) as unknown as (of: null) => string | null; // prettier-ignore
  return {
    path,
    raw: bindAll(handle, path, ncclSignatures),
    refused: (call, result) => {
      const resultName = statuses[result] ?? "unknown";
      const said = lastError(null)?.trim() ?? "";
      const text = `cuda: ${call} returned ${result} (${resultName})${said === "" ? "" : `: ${said}`}`;
      return new CudaError(`${text.replace(/\.?$/, ".")} NCCL_DEBUG=INFO tells more.`, { call, result, resultName });
    },
  };
}

/** 23007 is 2.30.7. */
export function ncclVersion({ handle }: LocatedLibrary): string {
  const read = handle.func("ncclGetVersion", int, [pointer]) as unknown as (out: Int32Array) => number;
  const out = new Int32Array(1);
  if (read(out) !== 0) return "?";
  const [version] = out;
  return `${Math.floor(version / 10_000)}.${Math.floor((version % 10_000) / 100)}.${version % 100}`;
}

/**
 * Communicators of some cards.
 *
 * Each collective is put on the one stream that a card's arrays are made and used on, so it comes after what makes them and before what
 * uses them without an event between.
 *
 * @throws CudaError if NCCL is not there, or refuses.
 */
export function openNccl(devices: readonly Device[], host?: Host): Communicator {
  const { raw, refused } = loadNccl(host);
  const call = checked(raw, refused);
  const communicators = new BigUint64Array(devices.length);
  letIn(devices);
  try {
    call.ncclCommInitAll(
      communicators,
      devices.length,
      Int32Array.from(devices, ({ info }) => info.index),
    );
  } finally {
    forgetContext();
  }
  /** Once a collective has failed, the communicators are of no use any more. */
  let failure: CudaError | null = null;
  const abort = (error: unknown): unknown => {
    if (!(error instanceof CudaError)) return error;
    failure = new CudaError(`${error.message} The group is lost; make a new one.`, error.refused, { cause: error });
    for (const communicator of communicators) raw.ncclCommAbort(communicator);
    return failure;
  };
  const checkAsync = (): void => {
    const out = new Int32Array(1);
    for (const communicator of communicators) {
      call.ncclCommGetAsyncError(communicator, out);
      if (out[0] !== 0) throw refused("a collective", out[0]);
    }
  };
  const put = ({ kind, dtype, count, op, root, from, to }: Collective, card: number): void => {
    const type = ncclNumbers.type[dtype];
    const operation = ncclNumbers.operation[op];
    const [communicator, { stream }] = [communicators[card], devices[card]];
    if (kind === "allReduce") call.ncclAllReduce(from[card], to[card], count, type, operation, communicator, stream);
    else if (kind === "broadcast") call.ncclBroadcast(from[card], to[card], count, type, root, communicator, stream);
    else if (kind === "allGather") call.ncclAllGather(from[card], to[card], count, type, communicator, stream);
    else call.ncclReduceScatter(from[card], to[card], count, type, operation, communicator, stream);
  };
  return {
    run: (collectives) => {
      if (failure !== null) throw failure;
      for (const device of devices) for (const { label } of collectives) device.announce(label);
      try {
        checkAsync();
        call.ncclGroupStart();
        try {
          for (const collective of collectives) devices.forEach((_, card) => put(collective, card));
        } catch (error) {
          raw.ncclGroupEnd();
          throw error;
        }
        call.ncclGroupEnd();
      } catch (error) {
        throw abort(error);
      } finally {
        forgetContext();
      }
      for (const device of devices) if (device.synchronous) device.synchronize();
    },
    close: () => {
      // In a context that has failed nothing can be given back.
      if (failure !== null || devices.some(({ lost }) => lost)) return;
      for (const device of devices) device.synchronize();
      try {
        for (const communicator of communicators) call.ncclCommDestroy(communicator);
      } finally {
        forgetContext();
      }
    },
  };
}

/**
 * Cards of one process read each other's arrays directly where the machine has a way. Arrays from the driver's pools must be opened for
 * that first: NCCL does not ask, and its kernels would fail.
 */
function letIn(devices: readonly Device[]): void {
  for (const device of devices) for (const other of devices) if (other !== device) device.letIn(other);
}
