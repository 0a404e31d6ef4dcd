/** Elements between the host and the card. */

import type { DType, TypedArray } from "@curv/tensor";
import { koffi } from "./environment.js";
import type { Device } from "./device.js";

const arrays = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  uint32: Uint32Array,
  bool: Uint8Array,
} as const;

/** Room for elements on the host. */
export function hostArray(dtype: DType, length: number): TypedArray {
  return new arrays[dtype](length);
}

/** Copies to the card. Pageable memory has been read when this returns. */
export function upload(device: Device, data: TypedArray, to: bigint): void {
  device.call.cuMemcpyHtoDAsync_v2(to, data, data.byteLength, device.stream);
}

/** Copies to the host and waits. */
export function downloadNow(device: Device, from: bigint, out: TypedArray): void {
  device.call.cuMemcpyDtoHAsync_v2(out, from, out.byteLength, device.stream);
  device.synchronize();
}

/** How often the event is asked in a row before a timer is set between two questions. */
const spins = 64;

/** Copies to the host by way of memory that the card can write to, and waits without blocking the event loop. */
export async function downloadLater(device: Device, from: bigint, out: TypedArray): Promise<void> {
  const { call } = device;
  const staging = device.takeStaging(out.byteLength);
  const event = device.takeEvent();
  try {
    call.cuMemcpyDtoHAsync_v2(staging.address, from, out.byteLength, device.stream);
    call.cuEventRecord(event, device.stream);
    // A timer that is pending keeps the process alive until the data are here.
    for (let i = 0; !device.isDone(event); i++) await (i < spins ? immediately() : pause());
    const bytes = new Uint8Array(out.buffer, out.byteOffset, out.byteLength);
    bytes.set(new Uint8Array(koffi().view(staging.address, out.byteLength) as ArrayBuffer));
  } finally {
    device.returnEvent(event);
    device.returnStaging(staging);
  }
}

function immediately(): Promise<void> {
  return new Promise((resolve) => {
    (globalThis as unknown as { setImmediate(f: () => void): void }).setImmediate(resolve);
  });
}

function pause(): Promise<void> {
  return new Promise((resolve) => {
    (globalThis as unknown as { setTimeout(f: () => void, ms: number): void }).setTimeout(resolve, 1);
  });
}
