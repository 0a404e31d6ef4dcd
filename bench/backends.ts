/** The same programs on other backends that need no graphics card: what they cost beside the CPU's own kernels, and what a launch costs. */

import { hvp, jit, tensor, type Backend, type Tensor } from "@curv/tensor";
import type { Benchmark, Case, Peer } from "./comparison.js";
import { numbers } from "./inputs.js";
import { local } from "./local.js";
import { curvProblem, large, loss, tiny, type Parameters, type Sizes } from "./mlp.js";
import { startTfjs } from "./peers/tfjs.js";

const gpujs = (fuse: boolean) => async (): Promise<Backend> =>
  (await import("../packages/backend-gpujs/src/index.js")).gpujs({ mode: "webasm", fuse });

const backends: readonly (readonly [string, () => Promise<Backend>])[] = [
  ["gpu.js webasm", gpujs(true)],
  ["gpu.js webasm, not fused", gpujs(false)],
  [
    "tfjs wasm",
    async () => {
      const { backendFromTfjs } = await import("../packages/backend-tfjs/src/index.js");
      return backendFromTfjs((await startTfjs()).tf as never);
    },
  ],
];

/** How many kernels a call takes, in words, where the backend counts. */
function kernelsOf(backend: Backend, call: () => void): string {
  const count = (): number | undefined => (backend as { readonly launches?: number }).launches;
  // The first call computes what is constant, too.
  call();
  const before = count();
  if (before === undefined) return "";
  call();
  const kernels = count()! - before;
  return kernels === 1 ? ": 1 kernel" : `: ${kernels} kernels`;
}

/** A compiled function of tensors, here and on the other backends. */
function acrossBackends(name: string, f: (...inputs: Tensor[]) => Tensor, inputs: readonly Tensor[]): Case {
  const read = (y: Tensor): number[] => Array.from(y.dataSync());
  const compiled = jit(f as never) as unknown as typeof f;
  return {
    name,
    ours: [local("curv CPU", () => compiled(...inputs), read)],
    peers: backends.map(([title, open]): Peer => ({
      name: title,
      prepare: async () => {
        const backend = await open();
        const there = inputs.map((x) => x.to(backend));
        return local(
          title + kernelsOf(backend, () => compiled(...there).dispose()),
          () => compiled(...there),
          read,
          (y) => y.dispose(),
        );
      },
    })),
    tolerance: 1e-4,
  };
}

function hvpCase(name: string, sizes: Sizes): Case {
  const { p, v, x, y } = curvProblem("float32", sizes);
  const count = p.length;
  // One number, so that a result is one tensor: vᵀ H v.
  const quadratic = (...all: Tensor[]): Tensor => {
    const [q, u] = [all.slice(0, count), all.slice(count, 2 * count)] as unknown as Parameters<Tensor>[];
    const product = hvp(loss, q, u, all[2 * count], all[2 * count + 1]) as unknown as Tensor[];
    return product.map((h, i) => h.mul(u[i]).sum()).reduce((s, t) => s.add(t));
  };
  return acrossBackends(name, quadratic, [...p, ...v, x, y]);
}

export function backendsBenchmark({
  length = 1_000_000,
  side = 512,
  network = large,
}: {
  readonly length?: number;
  readonly side?: number;
  readonly network?: Sizes;
} = {}): Benchmark {
  const vector = (n: number, seed: number): Tensor => tensor(numbers(n, seed, "float32"));
  const x = vector(length, 0);
  const matrix = (seed: number): Tensor => vector(side * side, seed).reshape([side, side]);
  return {
    title: "One program on several backends, float32, jitted, one thread",
    note: "Arrays stay where they are computed; engines without a card. A launch: x + 1 of four numbers.",
    rounds: { patience: 20 },
    cases: [
      acrossBackends("a launch", (a) => a.add(1), [vector(4, 1)]),
      acrossBackends(`exp of ${length}`, (a) => a.exp(), [x]),
      acrossBackends(`chain of six on ${length}`, (a) => a.mul(2).add(1).square().sub(3).abs().neg(), [x]),
      acrossBackends(`sum of ${length}`, (a) => a.sum(), [x]),
      acrossBackends(`matmul ${side}`, (a, b) => a.matmul(b), [matrix(2), matrix(3)]),
      hvpCase("vᵀHv of the tiny MLP", tiny),
      hvpCase("vᵀHv of the large MLP", network),
    ],
  };
}
