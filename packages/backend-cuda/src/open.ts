/** Opening a card. */

import { CudaBackend } from "./backend.js";
import { cacheFolder } from "./cubin-cache.js";
import { Device } from "./device.js";
import { openDriver } from "./driver.js";
import { CudaError } from "./errors.js";
import { openCublas, type Cublas, type MatmulPrecision } from "./lib/cublas.js";
import { whyMissing } from "./lib/libraries.js";
import { openNvrtc } from "./nvrtc.js";

/** How a backend is opened. */
export interface CudaOptions {
  /** Number of the card, as in `cudaDevices()`. Default 0. */
  readonly device?: number;
  /** Name of the backend, as in `.to("cuda")`, of which each one has its own. Default: `"cuda"`; of card 1 `"cuda-1"`, and so on. */
  readonly name?: string;
  /** Whether the CPU may compute, on copies, what the card has no kernel for. Default false: that is an error which names the operation. */
  readonly hostFallback?: boolean;
  /** How float32 matrix products and convolutions by cuDNN are computed. Default `"highest"`: curvature loses three digits under TF32. float64 is always float64. */
  readonly matmulPrecision?: MatmulPrecision;
  /**
   * Who does matrix products: `"cublas"` throws where it is not found, `"own"` are generated kernels. Default: cuBLAS where it is found;
   * `describe()` says which.
   */
  readonly products?: "cublas" | "own";
  /**
   * Who does convolutions: `"cudnn"` throws where it is not found, `"own"` are generated kernels. Default: cuDNN where it is found, for those
   * that it takes; `describe()` counts them. As products, they are float32 unless `matmulPrecision` says less.
   */
  readonly convolutions?: "cudnn" | "own";
  /**
   * Whether a compiled function's product, the bias that is added to it and the rectifier after that are one call of cuBLASLt, where it has
   * one. Default true.
   */
  readonly epilogues?: boolean;
  /**
   * Whether what a compiled function launches is replayed as CUDA graphs from its third call on: the same kernels, the same numbers, less
   * work for the host. Default true. Not with `CURV_CUDA_SYNC=1`.
   */
  readonly graphs?: boolean;
  /** Where compiled kernels are kept. Default: `CURV_CACHE_DIR`, else the system's folder for caches. */
  readonly cacheFolder?: string;
}

/**
 * Opens an NVIDIA card: finds the driver and NVRTC on this machine, takes the card's primary context, and makes a backend of it. Kernels are
 * generated, compiled for this card when they are first needed, and kept on disk. A backend is used on the thread that opened it.
 *
 * @returns The backend; `use(backend)` makes it the default for new tensors.
 * @throws CudaError if a library is missing (with every place that was tried and what to install), or the driver refuses.
 *
 * @example
 * use(cuda());
 * const y = tensor([1, 2, 3]).exp();
 */
export function cuda({
  device = 0,
  name = device === 0 ? "cuda" : `cuda-${device}`,
  hostFallback = false,
  matmulPrecision = "highest",
  products,
  convolutions,
  epilogues = true,
  graphs = true,
  cacheFolder: folder,
}: CudaOptions = {}): CudaBackend {
  const opened = new Device(openDriver(), openNvrtc(), device, folder ?? cacheFolder());
  let library: Cublas | null = null;
  let missing: string | null = null;
  if (products !== "own") {
    try {
      library = openCublas(opened.stream, matmulPrecision);
      // As much as the library takes for itself on such a card.
      const bytes = (opened.info.capability[0] >= 9 ? 32 : 4) * 2 ** 20;
      library.workspace = () => ({ ...opened.memory.allocate(bytes, () => "work space of cuBLAS"), bytes });
    } catch (error) {
      if (products === "cublas" || !(error instanceof CudaError)) {
        opened.close();
        throw error;
      }
      [missing] = error.message.split("\n");
    }
  }
  if (convolutions === "cudnn") {
    const reason = library === null ? "the backend is opened without cuBLAS" : whyMissing("cudnn");
    if (reason !== null) {
      library?.close();
      opened.close();
      throw new CudaError(`cuda: convolutions by cuDNN were asked for, and ${reason.replace(/^cuda: /, "")}`);
    }
  }
  return new CudaBackend(name, opened, library, missing, {
    hostFallback,
    graphs: graphs && !opened.synchronous,
    epilogues,
    convolutions: convolutions !== "own",
    tensorCores: matmulPrecision === "tf32" || matmulPrecision === "bf16",
  });
}
