/** A small regression whose training step is compiled, for what is said of memory. */

import { grad, jit, sum, zeros, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import type { TfjsBackend } from "../src/index.js";

interface Training {
  init(): Tensor[];
  loss(p: Tensor[]): Tensor;
  /** One step of gradient descent, not compiled, and compiled. */
  eager(p: Tensor[]): Tensor[];
  step(p: Tensor[]): Tensor[];
}

/** Data and parameters live on the backend. */
export function training(backend: TfjsBackend): Training {
  const inputs = random.normal(random.key(0), { shape: [16, 2] });
  const targets = sum(inputs.square(), 1).to(backend);
  const x = inputs.to(backend);
  const loss = ([w, b, v]: Tensor[]): Tensor => sum(x.matmul(w).add(b).tanh().matmul(v).sub(targets).square());
  const eager = (p: Tensor[]): Tensor[] => grad(loss)(p).map((g, i) => p[i].sub(g.mul(1e-3)));
  return {
    init: () =>
      [random.normal(random.key(1), { shape: [2, 8] }), zeros([8]), zeros([8]).add(0.1)].map((w) => w.to(backend)),
    loss,
    eager,
    step: jit(eager),
  };
}
