/** The discrete Fourier transform as a product with its matrix: for short lengths, whose engines have no kernel or one for powers of two. */

import { BackendError } from "@curv/tensor";
import type { Engine } from "../engine.js";
import type { TfjsTensor } from "../tfjs.js";
import type { KernelTable } from "./kernel.js";

const longest = 64;

/** cos(2π jk/n) or sin(2π jk/n), with the angle reduced in integers. */
function waves(engine: Engine, n: number, f: (x: number) => number): TfjsTensor {
  const values = Float32Array.from({ length: n * n }, (_, i) => {
    const turn = ((i % n) * Math.floor(i / n)) % n;
    return f((2 * Math.PI * turn) / n);
  });
  return engine.adopt(values, [1, n, n], "float32");
}

export const fftKernels: KernelTable = {
  // (C − iS)(re + i im), or (C + iS) for the inverse.
  fft: (engine, [re, im], { inverse }: { inverse: boolean }, [out]) => {
    const n = re.shape[re.shape.length - 1];
    if (n > longest) {
      throw new BackendError(
        `fft: the ${engine.name} engine transforms at most ${longest} elements, got ${n}; ${engine.byHand}${engine.readsAtOnce ? ", or open the backend as backendFromTfjs(tf, { hostFallback: true }): the CPU then does it, on copies" : ""}.`,
      );
    }
    const [c, s] = [waves(engine, n, Math.cos), waves(engine, n, Math.sin)];
    const times = (x: TfjsTensor, w: TfjsTensor): TfjsTensor => engine.matmul(engine.reshape(x, [1, -1, n]), w);
    const [rc, rs, ic, is] = [times(re, c), times(re, s), times(im, c), times(im, s)];
    const real = inverse ? engine.sub(rc, is) : engine.add(rc, is);
    const imaginary = inverse ? engine.add(ic, rs) : engine.sub(ic, rs);
    return [engine.reshape(real, out.shape), engine.reshape(imaginary, out.shape)];
  },
};
