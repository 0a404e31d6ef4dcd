/** Collectives by way of the host: every array is read, combined in the order of the cards, and written. For machines without NCCL. */

import type { TypedArray } from "@curv/tensor";
import type { Device } from "./device.js";
import type { Collective, Communicator, Reduction } from "./lib/nccl.js";
import { downloadNow, hostArray, upload } from "./transfer.js";

export function hostCommunicator(devices: readonly Device[]): Communicator {
  return {
    run: (collectives) => {
      for (const collective of collectives) runOne(devices, collective);
    },
    close: () => undefined,
  };
}

function runOne(devices: readonly Device[], { kind, dtype, count, op, root, from, to }: Collective): void {
  const n = devices.length;
  const read = (card: number, elements: number): TypedArray => {
    const out = hostArray(dtype, elements);
    downloadNow(devices[card], from[card], out);
    return out;
  };
  const write = (of: (card: number) => TypedArray): void => {
    devices.forEach((device, card) => upload(device, of(card), to[card]));
  };
  if (kind === "broadcast") {
    const data = read(root, count);
    write(() => data);
  } else if (kind === "allGather") {
    const all = hostArray(dtype, n * count);
    devices.forEach((_, card) => all.set(read(card, count), card * count));
    write(() => all);
  } else {
    const whole = kind === "allReduce" ? count : n * count;
    const combined = reduce(devices.map((_, card) => read(card, whole)), op); // prettier-ignore
    write((card) => (kind === "allReduce" ? combined : combined.subarray(card * count, (card + 1) * count)));
  }
}

/** Rounded to the dtype at every step, as arrays of it do. */
function reduce([first, ...others]: readonly TypedArray[], op: Reduction): TypedArray {
  const combine = { sum: (a: number, b: number) => a + b, avg: (a: number, b: number) => a + b, max: Math.max, min: Math.min }[op]; // prettier-ignore
  for (const other of others) for (let i = 0; i < first.length; i++) first[i] = combine(first[i], other[i]);
  if (op === "avg") for (let i = 0; i < first.length; i++) first[i] /= others.length + 1;
  return first;
}
