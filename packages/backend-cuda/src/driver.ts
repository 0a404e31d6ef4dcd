/** The CUDA driver: its functions, bound once a process, and the cards that it knows. */

import { koffi } from "./environment.js";
import { CudaError, refusedCall } from "./errors.js";
import { bindAll, checked, type NativeArgument, type NativeFunction } from "./koffi-bind.js";
import { locate, thisHost, type Host } from "./locate.js";

/** Functions of the driver that this package calls. */
export type DriverFunction =
  | "cuInit"
  | "cuDriverGetVersion"
  | "cuDeviceGetCount"
  | "cuDeviceGet"
  | "cuDeviceGetName"
  | "cuDeviceTotalMem_v2"
  | "cuDeviceGetAttribute"
  | "cuDevicePrimaryCtxRetain"
  | "cuDevicePrimaryCtxRelease_v2"
  | "cuCtxSetCurrent"
  | "cuCtxSynchronize"
  | "cuStreamCreateWithPriority"
  | "cuStreamDestroy_v2"
  | "cuStreamSynchronize"
  | "cuEventCreate"
  | "cuEventRecord"
  | "cuEventQuery"
  | "cuEventDestroy_v2"
  | "cuMemGetInfo_v2"
  | "cuMemAllocAsync"
  | "cuMemFreeAsync"
  | "cuDeviceGetDefaultMemPool"
  | "cuMemPoolSetAttribute"
  | "cuMemPoolGetAttribute"
  | "cuMemPoolTrimTo"
  | "cuMemPoolSetAccess"
  | "cuDeviceCanAccessPeer"
  | "cuMemHostAlloc"
  | "cuMemFreeHost"
  | "cuMemcpyHtoDAsync_v2"
  | "cuMemcpyDtoHAsync_v2"
  | "cuMemcpyDtoDAsync_v2"
  | "cuMemsetD8Async"
  | "cuModuleLoadData"
  | "cuModuleGetFunction"
  | "cuModuleUnload"
  | "cuFuncGetAttribute"
  | "cuLaunchKernel"
  | "cuStreamBeginCapture_v2"
  | "cuStreamEndCapture"
  | "cuGraphInstantiateWithFlags"
  | "cuGraphLaunch"
  | "cuGraphDestroy"
  | "cuGraphExecDestroy";

/** Handles and device addresses are `void *` and BigInt in JavaScript; `uint64_t` would be a Number below 2⁵³ and BigInt above. */
const pointer = "void *";
const int = "int";
const word = "uint32_t";
const size = "size_t";

const signatures: Readonly<Record<DriverFunction, readonly string[]>> = {
  cuInit: [word],
  cuDriverGetVersion: [pointer],
  cuDeviceGetCount: [pointer],
  cuDeviceGet: [pointer, int],
  cuDeviceGetName: [pointer, int, int],
  cuDeviceTotalMem_v2: [pointer, int],
  cuDeviceGetAttribute: [pointer, int, int],
  cuDevicePrimaryCtxRetain: [pointer, int],
  cuDevicePrimaryCtxRelease_v2: [int],
  cuCtxSetCurrent: [pointer],
  cuCtxSynchronize: [],
  cuStreamCreateWithPriority: [pointer, word, int],
  cuStreamDestroy_v2: [pointer],
  cuStreamSynchronize: [pointer],
  cuEventCreate: [pointer, word],
  cuEventRecord: [pointer, pointer],
  cuEventQuery: [pointer],
  cuEventDestroy_v2: [pointer],
  cuMemGetInfo_v2: [pointer, pointer],
  cuMemAllocAsync: [pointer, size, pointer],
  cuMemFreeAsync: [pointer, pointer],
  cuDeviceGetDefaultMemPool: [pointer, int],
  cuMemPoolSetAttribute: [pointer, int, pointer],
  cuMemPoolGetAttribute: [pointer, int, pointer],
  cuMemPoolTrimTo: [pointer, size],
  cuMemPoolSetAccess: [pointer, pointer, size],
  cuDeviceCanAccessPeer: [pointer, int, int],
  cuMemHostAlloc: [pointer, size, word],
  cuMemFreeHost: [pointer],
  cuMemcpyHtoDAsync_v2: [pointer, pointer, size, pointer],
  cuMemcpyDtoHAsync_v2: [pointer, pointer, size, pointer],
  cuMemcpyDtoDAsync_v2: [pointer, pointer, size, pointer],
  cuMemsetD8Async: [pointer, "uint8_t", size, pointer],
  cuModuleLoadData: [pointer, pointer],
  cuModuleGetFunction: [pointer, pointer, "const char *"],
  cuModuleUnload: [pointer],
  cuFuncGetAttribute: [pointer, int, pointer],
  cuLaunchKernel: [pointer, word, word, word, word, word, word, word, pointer, pointer, pointer],
  cuStreamBeginCapture_v2: [pointer, int],
  cuStreamEndCapture: [pointer, pointer],
  cuGraphInstantiateWithFlags: [pointer, pointer, "uint64_t"],
  cuGraphLaunch: [pointer, pointer],
  cuGraphDestroy: [pointer],
  cuGraphExecDestroy: [pointer],
};

/** Numbers of device attributes. */
const deviceAttribute = { multiprocessors: 16, major: 75, minor: 76 };

/** The driver of the process. */
export interface Driver {
  readonly path: string;
  /** 13000 is CUDA 13.0. */
  readonly version: number;
  /** Functions that throw what the driver refuses. */
  readonly call: Record<DriverFunction, (...args: NativeArgument[]) => void>;
  /** The same, returning the driver's number: for questions to which no is an answer. */
  readonly raw: Record<DriverFunction, NativeFunction>;
  /** `CUDA_ERROR_OUT_OF_MEMORY` for 2. */
  errorName(result: number): string;
}

let opened: Driver | null = null;

/**
 * Finds, loads and initialises the driver; the second time it is at hand.
 *
 * @throws CudaError with the log of the search if there is none, or if it refuses to start.
 */
export function openDriver(host: Host = thisHost()): Driver {
  if (opened !== null) return opened;
  const { path, handle } = locate("driver", host);
  const raw = bindAll(handle, path, signatures);
  const nameOf = handle.func("cuGetErrorName", "int", [int, koffi().out("const char **")]) as unknown as (
    result: number,
    out: (string | null)[],
  ) => number;
  const errorName = (result: number): string => {
    const out: (string | null)[] = [null];
    nameOf(result, out);
    return out[0] ?? "unknown";
  };
  const call = checked(raw, (name, result) => refusedCall(name, result, errorName(result)));
  call.cuInit(0);
  const version = new Int32Array(1);
  call.cuDriverGetVersion(version);
  opened = { path, version: version[0], call, raw, errorName };
  return opened;
}

/** A card, as the driver describes it. */
export interface CudaDevice {
  /** Its number among the cards that the driver shows to this process. */
  readonly index: number;
  readonly name: string;
  /** Compute capability: [9, 0] is Hopper. */
  readonly capability: readonly [major: number, minor: number];
  /** Bytes. */
  readonly memory: number;
  readonly multiprocessors: number;
}

/** The cards of this machine; if there is none, why. */
export interface CudaDevices extends ReadonlyArray<CudaDevice> {
  /** Null if the driver answered: then the list is what it said. */
  readonly reason: string | null;
}

/**
 * Lists the NVIDIA cards of this machine. Never throws: without a driver, or outside of Node.js, the list is empty and its `reason` says
 * what was looked for.
 *
 * @example
 * const devices = cudaDevices();
 * if (devices.length === 0) console.log(devices.reason);
 */
export function cudaDevices(): CudaDevices {
  const found: CudaDevice[] = [];
  let reason: string | null = null;
  try {
    const driver = openDriver();
    const count = new Int32Array(1);
    driver.call.cuDeviceGetCount(count);
    for (let index = 0; index < count[0]; index++) found.push(describeDevice(driver, index));
    if (count[0] === 0) reason = "the driver sees no device; look at nvidia-smi and CUDA_VISIBLE_DEVICES.";
  } catch (error) {
    reason = error instanceof Error ? error.message : String(error);
  }
  return Object.assign(found, { reason });
}

/** @throws CudaError if the driver has no device of that number. */
export function describeDevice(driver: Driver, index: number): CudaDevice {
  const out = new Int32Array(1);
  const { call } = driver;
  const count = new Int32Array(1);
  call.cuDeviceGetCount(count);
  if (!(Number.isInteger(index) && index >= 0 && index < count[0])) {
    throw new CudaError(`cuda: device is ${index}; this machine has ${count[0]}, numbered from 0.`);
  }
  call.cuDeviceGet(out, index);
  const device = out[0];
  const attribute = (id: number): number => {
    call.cuDeviceGetAttribute(out, id, device);
    return out[0];
  };
  const text = new Uint8Array(128);
  call.cuDeviceGetName(text, text.length, device);
  const bytes = new BigUint64Array(1);
  call.cuDeviceTotalMem_v2(bytes, device);
  return {
    index,
    name: new TextDecoder().decode(text.subarray(0, text.indexOf(0))),
    capability: [attribute(deviceAttribute.major), attribute(deviceAttribute.minor)],
    memory: Number(bytes[0]),
    multiprocessors: attribute(deviceAttribute.multiprocessors),
  };
}
