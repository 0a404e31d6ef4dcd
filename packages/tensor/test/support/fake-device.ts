/** A backend as devices are: reading is asynchronous, float64 is missing. It computes with the portable kernels. */

import type { Backend, HostArray, Operand, Primitive, TypedArray } from "../../src/index.js";

export interface FakeDevice extends Backend {
  /** Names of the primitives that it ran. */
  readonly ran: string[];
  /** Number of buffers that were not freed. */
  live(): number;
}

interface Handle {
  readonly data: TypedArray;
}

/** @param lacks - Names of primitives that it does not have. */
export function fakeDevice(name: string, lacks: readonly string[] = []): FakeDevice {
  const ran: string[] = [];
  const handles = new Set<Handle>();
  const make = (data: TypedArray): Handle => {
    const handle = { data };
    handles.add(handle);
    return handle;
  };
  const host = ({ shape, dtype, buffer }: Operand): HostArray => ({ shape, dtype, buffer: (buffer as Handle).data });
  return {
    name,
    kind: "fake",
    capabilities: {
      dtypes: ["float32", "int32", "uint32", "bool"],
      syncRead: false,
      nonFinite: true,
      subnormals: false,
      largestLaunch: 2 ** 24,
    },
    ran,
    live: () => handles.size,
    supports: (primitive: Primitive) => primitive.lower !== undefined && !lacks.includes(primitive.name),
    upload: (data) => make(data.slice()),
    download: async ({ buffer }) => (buffer as Handle).data,
    run(primitive, inputs, params, outs) {
      ran.push(primitive.name);
      return primitive.lower!(inputs.map(host), params, outs).map((data) => make(data.slice()));
    },
    free: (buffer) => {
      handles.delete(buffer as Handle);
    },
  };
}
