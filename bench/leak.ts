/** Whether eager training holds on to memory: 10,000 steps of the tiny network without `tidy`. */

import { mul, sub, type Tensor, valueAndGrad } from "@curv/tensor";
import { curvProblem, loss, type Parameters } from "./mlp.js";

/** There with --expose-gc. */
const { gc } = globalThis as { gc?: () => void };

const mebibyte = 2 ** 20;

/** Memory at ten points of the training, as text. */
export function leak(steps = 10_000): string {
  const { p: start, x, y } = curvProblem("float32");
  const step = valueAndGrad(loss);
  let p = start;
  const lines: string[] = [];
  const held: number[] = [];
  let peak = 0;
  for (let i = 0; i <= steps; i++) {
    if (i % Math.max(1, steps / 10) === 0) {
      // Twice: buffers whose arrays died in the first collection are freed by the second at the latest.
      gc?.();
      gc?.();
      const { heapUsed, arrayBuffers, rss } = process.memoryUsage();
      held.push(heapUsed + arrayBuffers);
      const columns = [heapUsed, arrayBuffers, rss].map((bytes) => (bytes / mebibyte).toFixed(2).padStart(8));
      lines.push(`${String(i).padStart(6)}  ${columns.join("  ")}`);
    }
    const { grad } = step(p, x, y);
    p = p.map((w, k) => sub(w, mul(grad[k] as Tensor, 0.05))) as Parameters<Tensor>;
    if (i % 100 === 0) peak = Math.max(peak, process.memoryUsage().rss);
  }
  // The first tenth compiles the code.
  const growth = held[held.length - 1] - held[1];
  return [
    `${steps} eager training steps of the tiny network, without tidy`,
    "MiB after a full collection",
    "",
    "  step      heap   buffers       rss",
    ...lines,
    "",
    `heap and buffers from step ${steps / 10} on: ${(growth / steps / 0.9).toFixed(1)} bytes a step; largest rss ${(peak / mebibyte).toFixed(0)} MiB`,
  ].join("\n");
}
