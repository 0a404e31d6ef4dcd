/** Runs one primitive on values: finds the backend, checks that it can, and wraps its results. */

import { cpu } from "../cpu/backend.js";
import { isFloat, type TypedArray } from "../dtype.js";
import { BackendError } from "../errors.js";
import { own } from "../memory.js";
import type { Aval, Primitive } from "../primitives/primitive.js";
import { formatShape, sizeOf } from "../shape.js";
import { Tensor } from "../tensor.js";
import type { Backend } from "./backend.js";
import { currentBackend } from "./registry.js";
import { transfer, upload } from "./read.js";

/** Applies `primitive` to concrete tensors. */
export function execute<P>(primitive: Primitive<P>, inputs: readonly Tensor[], params: P): readonly Tensor[] {
  if (primitive.interpret !== undefined) return primitive.interpret(inputs, params);
  const backend = commonBackend(primitive.name, inputs);
  let committed = false;
  for (let i = 0; i < inputs.length; i++) if (inputs[i].committed) committed = true;
  const outs = primitive.shape(inputs, params);
  const buffers = run(backend, primitive, inputs, params, outs);
  const results = new Array<Tensor>(outs.length);
  for (let i = 0; i < outs.length; i++) {
    const { shape, dtype, weak } = outs[i];
    results[i] = new Tensor(shape, dtype, weak, 0, backend, buffers[i], committed);
  }
  return results;
}

/**
 * The backend on which operands meet: that of the committed ones, which must be one; uncommitted ones (numbers, fresh tensors) follow.
 */
export function commonBackend(caller: string, inputs: readonly Tensor[]): Backend {
  let backend: Backend | null = null;
  let committed = false;
  for (let i = 0; i < inputs.length; i++) {
    const x = inputs[i];
    if (x.buffer === null) throw new BackendError(`${caller}: tensor (shape ${formatShape(x.shape)}) was disposed.`);
    if (backend === null || (x.committed && !committed)) {
      backend = x.owner!;
      committed = x.committed;
    } else if (x.owner !== backend && x.committed === committed) {
      if (committed) {
        throw new BackendError(
          `${caller}: operands live on ${backend.name} and ${x.owner!.name}; move one with .to("${backend.name}").`,
        );
      }
      backend = currentBackend();
    }
  }
  return backend ?? currentBackend();
}

function run(
  backend: Backend,
  primitive: Primitive,
  inputs: readonly Tensor[],
  params: unknown,
  outs: readonly Aval[],
): readonly unknown[] {
  if (backend === cpu) {
    let here = true;
    for (let i = 0; i < inputs.length; i++) if (inputs[i].owner !== cpu) here = false;
    return cpu.run(primitive, here ? inputs : inputs.map((x) => transfer(x, cpu)), params, outs);
  }
  for (const { dtype } of [...inputs, ...outs]) {
    if (!backend.capabilities.dtypes.includes(dtype)) {
      const remedy = isFloat(dtype) ? `cast with x.cast("float32")` : `cast with x.cast("int32")`;
      throw new BackendError(
        `${primitive.name}: ${backend.name} does not support ${dtype}; ${remedy}, or run on cpu, blas or cuda.`,
      );
    }
  }
  // Nothing to compute, or a constant (the sum of nothing): answered on the host.
  if (outs.every(isEmpty)) return outs.map(({ dtype }) => own(dtype, 0));
  if (inputs.some(isEmpty)) {
    const host = inputs.map((x) => transfer(x, cpu));
    return cpu
      .run(primitive, host, params, outs)
      .map((buffer, i) => upload(buffer as TypedArray, outs[i].shape, outs[i].dtype, backend));
  }
  if (!backend.supports(primitive)) {
    throw new BackendError(`${primitive.name}: ${backend.name} does not have this operation; ${remedyFor(primitive, backend)}.`); // prettier-ignore
  }
  const operands = inputs.map((x) => transfer(x, backend));
  try {
    return backend.run(primitive, operands, params, outs);
  } finally {
    // Copies of what lives elsewhere are nobody else's: a device does not wait for the garbage collector.
    for (let i = 0; i < operands.length; i++) if (operands[i] !== inputs[i]) operands[i].dispose();
  }
}

/** By kind, how a backend is opened that lets the CPU do what it lacks. */
const openedWithHost: Readonly<Record<string, string>> = {
  cuda: "cuda({ hostFallback: true })",
  gpujs: "await gpujs({ hostFallback: true })",
  tfjs: "backendFromTfjs(tf, { hostFallback: true })",
};

/** What the user can do about a primitive that a backend lacks. */
function remedyFor({ lower }: Primitive, { kind, downloadSync }: Backend): string {
  if (lower === undefined) {
    return `nor does the CPU: give it a kernel with registerLowering(primitive, "${kind}", kernel)`;
  }
  // What cannot be read at once cannot be moved either.
  const readsAtOnce = downloadSync !== undefined;
  const byHand = readsAtOnce
    ? 'move the operands with .to("cpu")'
    : 'read the operands, and compute it on the CPU: use("cpu"), then tensor(await x.array(), { dtype: x.dtype }) for each';
  // gpu.js waits for the device before the host's turn; an engine of TensorFlow.js that cannot be read at once has no turns of the host.
  const opened = readsAtOnce || kind === "gpujs" ? openedWithHost[kind] : undefined;
  return opened === undefined ? byHand : `${byHand}, or open the backend as ${opened}: the CPU then does it, on copies`;
}

function isEmpty({ shape }: Aval): boolean {
  return sizeOf(shape) === 0;
}
