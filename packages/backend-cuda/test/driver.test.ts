import { expect, test } from "vitest";
import { fakeCard } from "./fake/build.js";
import { openDriver, cudaDevices } from "../src/driver.js";
import { openNvrtc } from "../src/nvrtc.js";
import { Device } from "../src/device.js";
import { downloadNow, upload } from "../src/transfer.js";
const card = fakeCard();
test("x", () => {
  if (typeof card === "string") return;
  console.log(cudaDevices());
  const d = new Device(openDriver(), openNvrtc(), 0, card.folder + "/cache");
  const k = d.kernel(
    `extern "C" __global__ void k(const float* a, float* o, unsigned int n, float s) { unsigned int i = blockIdx.x * blockDim.x + threadIdx.x; float v = i < n ? a[i] : 0.0f; for (int m = 16; m > 0; m >>= 1) v += __shfl_xor_sync(0xffffffffu, v, m); __syncthreads(); if (i < n) o[i] = v * s; }`,
    "k",
  );
  const a = d.memory.allocate(400, "a"),
    o = d.memory.allocate(400, "b");
  upload(
    d,
    Float32Array.from({ length: 100 }, (_, i) => i),
    a.address,
  );
  d.launch(k, { x: 2 }, 64, [a.address, o.address, { type: "uint32", value: 100 }, { type: "float32", value: 2 }], "k");
  const out = new Float32Array(100);
  downloadNow(d, o.address, out);
  expect(out[0]).toBe(2 * 31 * 16);
  expect(out[99]).toBe(2 * (96 + 97 + 98 + 99));
  console.log(card.compiled());
});
