/** The arguments of a kernel, in one block of memory that serves every launch: the driver copies them during the call. */

import { koffi } from "./environment.js";

/** An argument of a kernel: an address (or a 64-bit integer), or a number of a type. */
export type KernelArgument =
  bigint | { readonly type: "int32" | "uint32" | "float32" | "float64" | "bool"; readonly value: number };

/** Most arguments of one kernel. */
export const mostArguments = 128;
const slotBytes = 16;

/** Slots of 16 bytes with the values, then a table of their addresses: what `cuLaunchKernel` takes. */
export class ArgumentBlock {
  /** Address of the table. */
  readonly table: bigint;
  private readonly view: DataView;

  constructor() {
    const { alloc, view, address } = koffi();
    const bytes = mostArguments * (slotBytes + 8);
    const memory = alloc("uint8_t", bytes) as bigint;
    const start = BigInt(address(memory));
    this.view = new DataView(view(memory, bytes) as ArrayBuffer);
    const tableAt = mostArguments * slotBytes;
    for (let i = 0; i < mostArguments; i++) {
      this.view.setBigUint64(tableAt + 8 * i, start + BigInt(slotBytes * i), true);
    }
    this.table = start + BigInt(tableAt);
  }

  set(args: readonly KernelArgument[]): void {
    const { view } = this;
    for (let i = 0, at = 0; i < args.length; i++, at += slotBytes) {
      const argument = args[i];
      if (typeof argument === "bigint") view.setBigInt64(at, argument, true);
      else if (argument.type === "int32") view.setInt32(at, argument.value, true);
      else if (argument.type === "uint32") view.setUint32(at, argument.value, true);
      else if (argument.type === "bool") view.setUint8(at, argument.value);
      else if (argument.type === "float32") view.setFloat32(at, argument.value, true);
      else view.setFloat64(at, argument.value, true);
    }
  }
}
