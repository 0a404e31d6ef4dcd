/** The vendor's libraries of a device: opened when a primitive first needs them, closed with its cuBLAS. */

import { Buffer } from "../buffer.js";
import type { Device } from "../device.js";
import { CudaError } from "../errors.js";
import { locate, type LibraryName } from "../locate.js";
import { downloadNow, hostArray, upload } from "../transfer.js";
import { cublasOf, type Cublas } from "./cublas.js";
import { openCudnn, type Convolution, type Cudnn, type PreparedConvolution } from "./cudnn.js";
import { openCublasLt, type BiasedProduct, type CublasLt, type PreparedProduct } from "./cublaslt.js";
import { loadCusolver, openCusolver, type Cusolver } from "./cusolver.js";
import { openCufft, type Cufft } from "./cufft.js";

export class Libraries {
  private readonly workspaces: Buffer[] = [];
  private openSolver: Cusolver | null = null;
  private openFourier: Cufft | null = null;
  /** Undefined until it is asked for; null if it is not there. */
  private openEpilogues: CublasLt | null | undefined;
  /** Undefined until it is asked for; null if it is not there. */
  private openConvolutions: Cudnn | null | undefined;
  /** Why cuDNN could not be opened, in one line; null if it was not tried, or could. */
  noConvolutions: string | null = null;
  /** Convolutions that cuDNN takes, and that it leaves to own kernels. */
  readonly convolutions: { taken: number; left: number } = { taken: 0, left: 0 };
  private readonly rectifies = new Map<BiasedProduct["dtype"], boolean>();

  constructor(private readonly device: Device) {
    this.products.beforeClose.push(() => this.close());
  }

  get products(): Cublas {
    const products = cublasOf(this.device.stream);
    if (products === null) throw new CudaError("cuda: the backend was opened without cuBLAS.");
    return products;
  }

  get solver(): Cusolver {
    return (this.openSolver ??= openCusolver(this.device.stream, (bytes) => this.workspace(bytes)));
  }

  get fourier(): Cufft {
    return (this.openFourier ??= openCufft(this.device.stream, (bytes) => this.workspace(bytes)));
  }

  /**
   * A product with a bias at its end, and perhaps a rectifier; null if cuBLASLt is not there, has no way to compute it, or would make a
   * number of NaN.
   */
  biased(product: BiasedProduct): PreparedProduct | null {
    const { lt, numbers } = this.products;
    if (this.openEpilogues === undefined) {
      // As much as cuBLAS takes for itself on such a card.
      const most = (this.device.info.capability[0] >= 9 ? 32 : 4) * 2 ** 20;
      this.openEpilogues = lt === null ? null : openCublasLt(lt, this.device.stream, numbers, (bytes) => this.workspace(bytes), most); // prettier-ignore
    }
    if (this.openEpilogues === null || (product.relu && !this.keepsNaN(product.dtype))) return null;
    return this.openEpilogues.prepare(product);
  }

  /** A convolution; null if cuDNN is not there, or has no way to compute it that is exact enough and adds in the same order each time. */
  convolve(convolution: Convolution, tensorCores: boolean): PreparedConvolution | null {
    if (this.openConvolutions === undefined) {
      try {
        this.openConvolutions = openCudnn(this.device.stream, tensorCores, (bytes) => this.workspace(bytes));
      } catch (error) {
        // It is not there, or does not go with this card or driver: the reason is told by `describe`.
        if (!(error instanceof CudaError)) throw error;
        this.openConvolutions = null;
        [this.noConvolutions] = error.message.split("\n");
      }
    }
    if (this.openConvolutions === null) return null;
    const run = this.openConvolutions.prepare(convolution);
    this.convolutions[run === null ? "left" : "taken"]++;
    return run;
  }

  /** Whether the library's rectifier leaves NaN as it is, like that of every other kernel: nothing says so, hence one product that tells. */
  private keepsNaN(dtype: BiasedProduct["dtype"]): boolean {
    let keeps = this.rectifies.get(dtype);
    if (keeps === undefined) this.rectifies.set(dtype, (keeps = this.tryNaN(dtype)));
    return keeps;
  }

  private tryNaN(dtype: BiasedProduct["dtype"]): boolean {
    const n = 64;
    const layout = { transposed: false, leading: n, alignment: 256 };
    const ready = this.openEpilogues?.prepare({ dtype, m: n, n, k: n, a: layout, b: layout, bias: layout, relu: true }) ?? null; // prettier-ignore
    if (ready === null) return false;
    const { memory } = this.device;
    const arrays = [n * n, n * n, n, n * n].map((size) => Buffer.allocate(memory, dtype, size));
    try {
      const [a, b, bias, c] = arrays.map(({ address }) => address);
      const ones = hostArray(dtype, n * n).fill(1);
      const withNaN = ones.slice();
      withNaN[0] = NaN;
      upload(this.device, withNaN, a);
      upload(this.device, ones, b);
      upload(this.device, ones.subarray(0, n), bias);
      ready(a, b, bias, c);
      downloadNow(this.device, c, ones);
      return ones.every((y, i) => (i < n ? Number.isNaN(y) : y === n + 1));
    } finally {
      for (const array of arrays) array.release();
    }
  }

  /**
   * Memory that the next call may use again. What was too small is kept until the end, for recorded graphs may use it; sizes double, so
   * that is not more than the largest.
   */
  private workspace(bytes: number): bigint {
    const largest = this.workspaces.at(-1);
    if (largest !== undefined && largest.bytes >= bytes) return largest.address;
    const size = Math.max(2 ** 16, 2 * (largest?.bytes ?? 0), bytes);
    const made = Buffer.allocate(
      this.device.memory,
      "bool",
      size,
      () => "work space of cuSOLVER, cuFFT, cuBLASLt and cuDNN",
    );
    this.workspaces.push(made);
    return made.address;
  }

  private close(): void {
    this.openSolver?.close();
    this.openFourier?.close();
    this.openEpilogues?.close();
    this.openConvolutions?.close();
    for (const buffer of this.workspaces) buffer.release();
    opened.delete(this.device);
  }
}

const opened = new WeakMap<Device, Libraries>();

export function librariesOf(device: Device): Libraries {
  let libraries = opened.get(device);
  if (libraries === undefined) opened.set(device, (libraries = new Libraries(device)));
  return libraries;
}

const searched = new Map<LibraryName, string | null>();

/** Null if the library loads on this machine, else why not, in one line. Loads it: who asks is about to plan a call. */
export function whyMissing(name: "cusolver" | "cufft" | "cudnn"): string | null {
  let reason = searched.get(name);
  if (reason === undefined) {
    try {
      if (name === "cusolver") loadCusolver();
      else locate(name);
      reason = null;
    } catch (error) {
      if (!(error instanceof CudaError)) throw error;
      [reason] = error.message.split("\n");
    }
    searched.set(name, reason);
  }
  return reason;
}
