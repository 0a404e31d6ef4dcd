/**
 * Curv's tensors on any TensorFlow.js engine (CUDA, native, WebAssembly, WebGL, WebGPU), and tf.LayersModel as a pure function of its weights.
 *
 * @packageDocumentation
 */

export { backendFromTfjs, type TfjsBackend, type TfjsBackendOptions } from "./backend.js";
export type { Engine, EngineDType } from "./engine.js";
export type { TfjsKernel } from "./kernels/kernel.js";
export type { TfjsAttributes, TfjsEngine, TfjsModule, TfjsTensor } from "./tfjs.js";
export {
  functionFromLayersModel,
  weightsToLayersModel,
  type LayersModelFunction,
  type LayersModelOptions,
  type LayersModelStep,
  type LayersModelTrainingOptions,
  type LayersModelTrainingStep,
  type TfjsLayersModel,
} from "./layers-model.js";
export { layerClasses } from "./layers/table.js";
export type { LayerParams } from "./layers/layer.js";
export { fromTfjs, toTfjs } from "./interchange.js";
