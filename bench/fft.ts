/** Fourier transforms of one vector: a power of two, a number with small factors, a prime. */

import { tensor } from "@curv/tensor";
import { fft as transform } from "@curv/tensor/fft";
import type { Benchmark, Case, Peer } from "./comparison.js";
import { numbers, type Precision, valuesOf } from "./inputs.js";
import { local } from "./local.js";
import { jaxArray, startJax } from "./peers/jax-js.js";
import { pythonPeer } from "./peers/python.js";

export function fft(lengths: readonly number[] = [1024, 1000, 1009]): Benchmark {
  return {
    title: "Fourier transform of a complex vector",
    note: "From (re, im) to (re, im), eager. tfjs is left out: its transform takes quadratic time.",
    cases: (["float64", "float32"] as const).flatMap((precision) => lengths.map((n) => caseOf(n, precision))),
  };
}

function caseOf(n: number, precision: Precision): Case {
  const data = [numbers(n, 0, precision), numbers(n, 5000, precision)];
  const [re, im] = data.map((d) => tensor(d));
  const jaxJs: Peer = {
    name: "jax-js",
    prepare: async () => {
      const { jax, description } = await startJax();
      const [x, y] = data.map((d) => jaxArray(jax, d, [n]));
      return local(
        description,
        () => {
          const out = jax.numpy.fft.fft({ real: x.ref, imag: y.ref });
          return [out.real.dataSync(), out.imag.dataSync()];
        },
        (r) => r.flatMap((part) => Array.from(part)),
      );
    },
  };
  return {
    name: `length ${n} ${precision}`,
    work: { flops: 5 * n * Math.log2(n), bytes: 4 * n * (precision === "float32" ? 4 : 8), size: n, precision },
    ours: [
      local(
        "curv",
        () => transform({ re, im }),
        (r) => [...r.re.dataSync(), ...r.im.dataSync()],
      ),
    ],
    peers: [
      jaxJs,
      pythonPeer("PyTorch", { library: "torch", task: "fft", precision, inputs: data.map((d) => valuesOf(d, [n])) }),
    ],
    tolerance: precision === "float32" ? 1e-5 : 1e-13,
  };
}
