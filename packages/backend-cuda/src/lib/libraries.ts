/** The vendor's libraries of a device: opened when a primitive first needs them, closed with its cuBLAS. */

import { Buffer } from "../buffer.js";
import type { Device } from "../device.js";
import { CudaError } from "../errors.js";
import { locate, type LibraryName } from "../locate.js";
import { cublasOf, type Cublas } from "./cublas.js";
import { loadCusolver, openCusolver, type Cusolver } from "./cusolver.js";
import { openCufft, type Cufft } from "./cufft.js";

export class Libraries {
  private readonly workspaces: Buffer[] = [];
  private openSolver: Cusolver | null = null;
  private openFourier: Cufft | null = null;

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
   * Memory that the next call may use again. What was too small is kept until the end, for recorded graphs may use it; sizes double, so
   * that is not more than the largest.
   */
  private workspace(bytes: number): bigint {
    const largest = this.workspaces.at(-1);
    if (largest !== undefined && largest.bytes >= bytes) return largest.address;
    const size = Math.max(2 ** 16, 2 * (largest?.bytes ?? 0), bytes);
    const made = Buffer.allocate(this.device.memory, "bool", size, () => "work space of cuSOLVER and cuFFT");
    this.workspaces.push(made);
    return made.address;
  }

  private close(): void {
    this.openSolver?.close();
    this.openFourier?.close();
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
export function whyMissing(name: "cusolver" | "cufft"): string | null {
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
