/**
 * Trees of tensors as safetensors files. `import { load, save } from "@curv/tensor/safetensors"`.
 *
 * @packageDocumentation
 */

export { save, saveAsync, type SaveOptions } from "./save.js";
export { load, loadTensors, type LoadedFile } from "./load.js";
export { loadLazy, type LazyFile, type RangeReader } from "./lazy.js";
