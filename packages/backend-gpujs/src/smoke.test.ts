import { tensor, makeGraph, type Tensor } from "@curv/tensor";
import { test } from "vitest";
import { gpujs } from "./index.js";
import { planGraph } from "./plan.js";

test("x", async () => {
  const g = await gpujs({ mode: "webasm" });
  const show = (f: (...x: Tensor[]) => Tensor, ...x: Tensor[]) => {
    const graph = makeGraph(f, ...x);
    const plan = planGraph(graph, { hostScalars: [], hostFallback: false, onHost: new Set(), fuse: true });
    for (const s of plan.steps) if (s.kind === "kernel") console.log(s.kernel.source);
    console.log(f(...x.map((y) => y.to(g))).arraySync(), f(...x).arraySync());
  };
  show((a, b) => a.sub(b), tensor([[1], [2]]), tensor([[1, 2, 3]]));
});
