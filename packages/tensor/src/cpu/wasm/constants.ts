/** Captured arrays in the kernels' memory: each once, however many programs read it. */

import type { DType, TypedArray } from "../../dtype.js";
import { kernelMemory, type KernelMemory } from "./memory.js";
import { letGo, share } from "./resident.js";

interface Place {
  readonly address: number;
  /** A share of what stands in the memory already, a result of another program. */
  readonly result: TypedArray | null;
  /** Programs that read it; 0: it is released. */
  users: number;
}

/** The constants of one program. */
export type Places = Place[];

const places = /* @__PURE__ */ new WeakMap<TypedArray, Place>();

/** Frees what programs placed that nobody can run any more. */
const programs = /* @__PURE__ */ new FinalizationRegistry<Places>((own) => releaseConstants(kernelMemory()!, own));

/** The address of the elements, which stay there until the program's places are released. */
export function placeConstant(memory: KernelMemory, own: Places, data: TypedArray): number {
  let place = places.get(data);
  if (place === undefined || place.users === 0) {
    const result = share(data);
    const address = result?.byteOffset ?? memory.allocate(data.byteLength + 16);
    if (result === null) memory.arrays[dtypeOf(data)].set(data, address / data.BYTES_PER_ELEMENT);
    place = { address, result, users: 0 };
    places.set(data, place);
  }
  place.users++;
  own.push(place);
  return place.address;
}

/** Releases the places once the program is garbage. */
export function releaseWith(program: object, own: Places): void {
  if (own.length > 0) programs.register(program, own);
}

export function releaseConstants(memory: KernelMemory, own: Places): void {
  for (const place of own) {
    if (--place.users > 0) continue;
    if (place.result === null) memory.release(place.address);
    else letGo(place.result);
  }
}

function dtypeOf(data: TypedArray): DType {
  if (data instanceof Float32Array) return "float32";
  if (data instanceof Float64Array) return "float64";
  if (data instanceof Int32Array) return "int32";
  return data instanceof Uint32Array ? "uint32" : "bool";
}
