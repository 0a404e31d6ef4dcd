/** What can go wrong on a device, as one typed error. */

import { BackendError } from "@curv/tensor";

/** Why a device did not do what it was asked. */
export type FailureReason =
  "unsupported" | "limit" | "compile" | "degraded" | "device-lost" | "out-of-memory" | "launch";

/** A `BackendError` of a gpu.js backend, with the reason as a word. The CPU backend goes on working after each of them. */
export class GpujsError extends BackendError {
  constructor(
    message: string,
    /** What kind of failure it is. */
    readonly reason: FailureReason,
    options?: { readonly cause?: unknown },
  ) {
    super(message, options);
  }
}

/** An error of gpu.js or of the driver, seen while `what` ran in `mode`, in our terms; with `memory` if it is about memory. */
export function asGpujsError(error: unknown, mode: string, what: string, memory = ""): GpujsError {
  if (error instanceof GpujsError) return error;
  const text = error instanceof Error ? error.message : String(error);
  const first = text.split("\n")[0];
  const reason = reasonOf(text);
  const detail = memory !== "" && (reason === "out-of-memory" || reason === "limit") ? `; ${memory}` : "";
  return new GpujsError(`${what}: gpujs (${mode}): ${first}${detail}. ${remedies[reason]}`, reason, { cause: error });
}

function reasonOf(text: string): FailureReason {
  if (
    /device (was|is) lost|context lost|context was lost|lost device|different WebGPU device|device is destroyed/i.test(
      text,
    )
  )
    return "device-lost";
  if (/out of memory|allocation failed|could not allocate|Array buffer allocation/i.test(text)) return "out-of-memory";
  if (/bytes but this device allows|texture size|too large|over this device's limit|exceeds/i.test(text))
    return "limit";
  if (/compil|shader|WGSL|GLSL|validation/i.test(text)) return "compile";
  if (/is not supported/i.test(text)) return "unsupported";
  return "launch";
}

const remedies: Readonly<Record<FailureReason, string>> = {
  unsupported: "Run it on cpu.",
  limit: "Use smaller arrays, or run it on cpu.",
  compile: "This is a mistake in a kernel of @curv/backend-gpujs or in the driver; run it on cpu.",
  degraded: "Open the mode that it can run on.",
  "device-lost": "What was on the device is gone; open a new backend, or go on on cpu.",
  "out-of-memory": "Dispose what is not needed (tidy, using), or run it on cpu.",
  launch: "Run it on cpu.",
};
