/** Tensors of TensorFlow.js as tensors of Curv and back, on the same memory. */

import { BackendError, DTypeError, Tensor, isTensor, type DType } from "@curv/tensor";
import type { TfjsBackend } from "./backend.js";
import type { TfjsTensor } from "./tfjs.js";

/**
 * A Curv tensor on the memory of a `tf.Tensor`: nothing is copied. Each is disposed by its owner; the memory goes with the last.
 *
 * @param backend - The backend of the engine that holds `x`. (If another engine of the module holds it, TensorFlow.js moves it.)
 * @throws DTypeError for a dtype other than float32, int32 and bool; BackendError for a disposed tensor, what is none, or another backend than one
 * of {@link backendFromTfjs}.
 *
 * @example
 * const x = fromTfjs(tf.tensor([1, 2]), backend);
 */
export function fromTfjs(x: TfjsTensor, backend: TfjsBackend): Tensor {
  if (isTensor(x) || typeof (x as Partial<TfjsTensor> | null)?.dataSync !== "function") {
    throw new BackendError("fromTfjs: x is not a tf.Tensor; wants fromTfjs(x, backend).");
  }
  if ((backend as Partial<TfjsBackend> | undefined)?.kind !== "tfjs") {
    throw new BackendError("fromTfjs: backend is not one of TensorFlow.js; wants what backendFromTfjs(tf) returned.");
  }
  const dtypes: readonly string[] = ["float32", "int32", "bool"];
  if (!dtypes.includes(x.dtype)) {
    throw new DTypeError(`fromTfjs: x is ${x.dtype}; wants float32, int32 or bool. Convert it with tf.cast.`);
  }
  if (x.isDisposed) throw new BackendError("fromTfjs: x was disposed.");
  const dtype = x.dtype as DType;
  const handle = x.shape.includes(0) ? new Float32Array(0) : backend.share(x, dtype);
  return new Tensor([...x.shape], dtype, false, 0, backend, handle, true);
}

/**
 * A `tf.Tensor` on the memory of a Curv tensor that lives on a TensorFlow.js engine: nothing is copied. It belongs to the caller, as one that
 * an operation of TensorFlow.js made: `dispose` it, or let `tf.tidy` do so.
 *
 * @throws BackendError for a tensor on another backend (move it with `.to`), or one being traced; DTypeError for uint32, which the engines lack.
 */
export function toTfjs(x: Tensor): TfjsTensor {
  if (!isTensor(x) || x.tag !== 0) {
    throw new BackendError("toTfjs: x is not a value; wants a Tensor outside of grad, vmap and jit.");
  }
  const { owner } = x;
  if (owner?.kind !== "tfjs") {
    throw new BackendError(`toTfjs: x lives on ${x.backend}; move it to a TensorFlow.js engine with .to(backend).`);
  }
  if (x.disposed) throw new BackendError("toTfjs: x was disposed.");
  if (x.dtype === "uint32") throw new DTypeError(`toTfjs: x is uint32, which no engine has; cast it with x.cast("int32").`); // prettier-ignore
  const backend = owner as TfjsBackend;
  if (x.size === 0) return backend.tf.tensor([] as never, [...x.shape] as never, x.dtype as never);
  return backend.lend({ shape: x.shape, dtype: x.dtype, weak: false, buffer: x.buffer });
}
