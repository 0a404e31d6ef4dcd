/** Rematerialisation (theme-tensor-core §11.6): the same bits from fewer kept values. */

import { expect, test } from "vitest";
import {
  checkpoint,
  grad,
  hessian,
  jit,
  makeGraph,
  sin,
  tanh,
  tensor,
  vmap,
  type Graph,
  type Tensor,
} from "@curv/tensor";
import { linearizeCall } from "../src/transform/linearize.js";
import { flattenCalls, openGraph } from "../src/transform/simplify.js";

const w = tensor([[0.5, -0.4], [0.3, 0.8]], { dtype: "float64" }); // prettier-ignore
const x = tensor([0.3, -0.7], { dtype: "float64" });

const block = (h: Tensor): Tensor => sin(tanh(h.matmul(w)).add(h).square());
const deep = (layer: (h: Tensor) => Tensor) => (x: Tensor) => layer(layer(layer(x))).sum();
const plain = deep(block);
const saving = deep(checkpoint(block));

/** How many values the backward pass of f keeps, besides its argument and constants that were there before. */
function residuals(f: (x: Tensor) => Tensor): number {
  const { tape } = linearizeCall("grad", (tree) => f((tree as Tensor[])[0]), [x], "grad", "arguments");
  const kept = new Set(tape.entries.flatMap(({ inputs }) => inputs.filter((v) => !tape.owns(v) && v.rank > 0)));
  kept.delete(x);
  kept.delete(w);
  return kept.size;
}

test("gradients are the same bits, eager, jitted and batched", () => {
  expect(grad(saving)(x).dataSync()).toEqual(grad(plain)(x).dataSync());
  expect(jit(grad(saving))(x).dataSync()).toEqual(grad(plain)(x).dataSync());
  const batch = tensor([[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]], { dtype: "float64" }); // prettier-ignore
  expect(vmap(grad(saving))(batch).dataSync()).toEqual(vmap(grad(plain))(batch).dataSync());
});

test("the Hessian is that of the plain function", () => {
  const [a, b] = [hessian(saving)(x).dataSync(), hessian(plain)(x).dataSync()];
  a.forEach((v, i) => expect(Math.abs(v - b[i])).toBeLessThan(1e-13));
});

test("the backward pass keeps the inputs of the blocks and nothing else", () => {
  // The first block's input is x itself; what is kept are the inputs of the second and the third.
  expect(residuals(saving)).toBe(2);
  expect(residuals(plain)).toBeGreaterThanOrEqual(9);
});

test("what a block closes over is recomputed, too", () => {
  const closing = (x: Tensor): Tensor => checkpoint((h: Tensor) => block(h).mul(sin(x.mul(3)).square()))(x).sum();
  const open = (x: Tensor): Tensor =>
    block(x)
      .mul(sin(x.mul(3)).square())
      .sum();
  const [a, b] = [grad(closing)(x).dataSync(), grad(open)(x).dataSync()];
  a.forEach((v, i) => expect(Math.abs(v - b[i])).toBeLessThan(1e-14));
  expect(residuals(closing)).toBe(0);
});

test("under jit the second computation is not merged with the first", () => {
  const graph = makeGraph(grad(saving), x);
  const namesOf = ({ equations }: Graph): string[] => equations.map(({ primitive }) => primitive.name);
  const names = namesOf(flattenCalls(graph));
  // Forward, the first two blocks in the open; backward, each of the three in its fence.
  expect(names.filter((name) => name === "tanh").length).toBe(2);
  expect(names.filter((name) => name === "checkpoint").length).toBe(3);
  // Nor where a backend takes the fences away.
  expect(namesOf(openGraph(graph)).filter((name) => name === "tanh").length).toBe(2 + 3);
});
