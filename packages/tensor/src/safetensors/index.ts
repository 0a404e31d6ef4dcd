/** Trees of tensors as safetensors files. `import * as safetensors from "@curv/tensor/safetensors"`. */

export { load, loadTensors, type LoadedFile } from "./load.js";
export { open, type LazyFile, type RangeReader } from "./lazy.js";
export { save, saveTensors, type SaveOptions } from "./save.js";
