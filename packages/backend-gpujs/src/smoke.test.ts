import { tensor, jit, grad, hvp, vmap, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { test, expect } from "vitest";
import { gpujs } from "./index.js";

for (const mode of ["cpu", "webasm"] as const) {
  test(mode, async () => {
    const g = await gpujs({ mode });
    const x = tensor([1, 2, 3]).to(g);
    const y = x.mul(2).add(x.exp());
    expect([...(await y.data())].map((v) => v.toFixed(4))).toEqual(["4.7183", "11.3891", "26.0855"]);
    const a = tensor([
      [1, 2, 3],
      [4, 5, 6],
    ]).to(g);
    console.log(
      await a.matmul(a.transpose()).data(),
      await a.sum(0).data(),
      await a
        .transpose()
        .add(tensor([1, 2]))
        .data(),
    );
    const k = random.key(7).to(g);
    const u = random.bits(k, { shape: [5] });
    console.log(await u.data(), await random.bits(random.key(7), { shape: [5] }).data());
    console.log(await random.permutation(k, 10).data(), await random.permutation(random.key(7), 10).data());
    console.log(
      await random.randint(k, -5, 1000000, { shape: [6] }).data(),
      await random.randint(random.key(7), -5, 1000000, { shape: [6] }).data(),
    );
    console.log(
      await random.normal(k, { shape: [4] }).data(),
      await random.normal(random.key(7), { shape: [4] }).data(),
    );
    const f = (w: Tensor): Tensor => a.matmul(w).tanh().square().sum();
    const w = tensor([[0.1], [0.2], [-0.3]]);
    const h = jit((w: Tensor, v: Tensor) => hvp(f, [w], [v]));
    console.log(await grad(f)(w.to(g)).data(), g.describe());
  });
}
