/** What there is: card, driver, libraries with their versions and paths; what else the card does. */

import { spawnSync } from "node:child_process";
import { cudaDevices } from "@curv/backend-cuda";
import { jit, zeros } from "@curv/tensor";
import { openCard } from "./harness.mjs";

const query =
  "name,driver_version,clocks.sm,clocks.max.sm,clocks.mem,temperature.gpu,power.draw,utilization.gpu,memory.used";

export function probe() {
  const devices = cudaDevices();
  const smi = spawnSync("nvidia-smi", [`--query-gpu=${query}`, "--format=csv,noheader"], { encoding: "utf8" });
  const start = performance.now();
  const place = openCard();
  const opened = performance.now() - start;
  const cold = place.device.cache.misses;
  jit((/** @type {import("@curv/tensor").Tensor} */ x) => x.exp().sum())(zeros([1000])).dataSync();
  return {
    node: process.version,
    devices: [...devices],
    reason: devices.reason,
    nvidiaSmi: smi.status === 0 ? { query, values: smi.stdout.trim().split("\n") } : "no nvidia-smi",
    description: place.describe(),
    openMilliseconds: opened,
    firstKernelsMilliseconds: performance.now() - start - opened,
    kernelsCompiled: place.device.cache.misses - cold,
  };
}
