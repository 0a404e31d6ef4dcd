/** Fourier transforms against NumPy: every case of fixtures/fft.json, and single precision against double. */

import { describe, expect, it } from "vitest";
import { tensor } from "../src/index.js";
import * as fft from "../src/fft/index.js";
import { testCases } from "./support/reference.js";

testCases("fft.json", fft);

describe("float32", () => {
  it.each([1, 2, 3, 8, 12, 97, 128, 1000, 1009, 4096])(
    "fft of %d is that of float64 within 8 log₂(n) ε of its norm",
    (n) => {
      const data = Float32Array.from({ length: 2 * n }, (_, i) => Math.sin((i + 1) ** 2));
      const at = (dtype: "float32" | "float64"): { re: Float64Array; im: Float64Array } => {
        const z = fft.fft({
          re: tensor(data.subarray(0, n)).cast(dtype),
          im: tensor(data.subarray(n)).cast(dtype),
        });
        expect(z.re.dtype).toBe(dtype);
        return { re: Float64Array.from(z.re.dataSync()), im: Float64Array.from(z.im.dataSync()) };
      };
      const single = at("float32");
      const double = at("float64");
      let error = 0;
      let norm = 0;
      for (let i = 0; i < n; i++) {
        error += (single.re[i] - double.re[i]) ** 2 + (single.im[i] - double.im[i]) ** 2;
        norm += double.re[i] ** 2 + double.im[i] ** 2;
      }
      expect(Math.sqrt(error)).toBeLessThanOrEqual(8 * Math.max(1, Math.log2(n)) * 2 ** -23 * Math.sqrt(norm));
    },
  );
});
