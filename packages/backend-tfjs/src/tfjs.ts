/** The parts of TensorFlow.js that the adapter uses, so that any build of it fits and none is needed to import this package. */

/** A `tf.Tensor`. */
export interface TfjsTensor {
  readonly shape: number[];
  readonly dtype: string;
  readonly isDisposed: boolean;
  data(): Promise<ArrayLike<number>>;
  dataSync(): ArrayLike<number>;
  dispose(): void;
}

/** Attributes of a kernel. */
export type TfjsAttributes = Readonly<Record<string, unknown>>;

/** The engine of TensorFlow.js: it finds the kernel of the active backend and counts references. */
export interface TfjsEngine {
  /** The active backend: one object for as long as the engine's memory lives. */
  readonly backend?: object;
  runKernel(name: string, inputs: Record<string, never>, attrs?: Record<string, never>): unknown;
}

/** The module `tf` as `import * as tf from "@tensorflow/tfjs"` gives it, or `@tensorflow/tfjs-node-gpu`, or `@tensorflow/tfjs-core`. */
export interface TfjsModule {
  engine(): TfjsEngine;
  getBackend(): string;
  getKernelsForBackend(name: string): readonly { readonly kernelName: string }[];
  tensor(values: never, shape?: never, dtype?: never): TfjsTensor;
  keep(tensor: never): unknown;
  tidy(f: never): unknown;
  /** Its flags; only read. */
  env?(): { getBool(flag: string): boolean };
  memory(): { readonly numTensors: number; readonly numBytes: number };
}
