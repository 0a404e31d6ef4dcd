/** The determinant is a polynomial: its derivatives are exact where a matrix is singular and where singular values are equal. */

import { describe, expect, test } from "vitest";
import { eye, grad, hessian, jacfwd, jacrev, jit, tensor, vmap, type Tensor } from "@curv/tensor";
import { det } from "@curv/tensor/linalg";
import { uniformOf } from "../src/testing/operand.js";

const size = 3;
const uniform = uniformOf("determinant");
const random = tensor(
  Float64Array.from({ length: 9 }, () => 2 * uniform() - 1),
  { shape: [3, 3] },
);
const column = random.slice(null, [0, 1]);
const row = random.slice([1, 2]);

const matrices: readonly [string, Tensor][] = [
  ["the identity", eye(3, 3, { dtype: "float64" })],
  ["a multiple of a reflection", tensor([[0, 2, 0], [2, 0, 0], [0, 0, 2]], { dtype: "float64" })],
  ["zero", tensor([[0, 0, 0], [0, 0, 0], [0, 0, 0]], { dtype: "float64" })],
  ["rank 1", column.matmul(row)],
  ["rank 2", column.matmul(row).add(row.T.matmul(column.T))],
  ["any", random],
]; // prettier-ignore

/** The sign of a permutation of 0, 1, 2; 0 if an index repeats. */
const levi = (i: number, j: number, k: number): number => ((j - i) * (k - i) * (k - j)) / 2;

/** Derivatives of Σ ε_ijk a_0i a_1j a_2k, from the definition. */
function byDefinition(a: Tensor): { gradient: number[]; second: number[] } {
  const v = a.dataSync();
  const at = (i: number, j: number): number => v[size * i + j];
  const gradient = new Array<number>(9).fill(0);
  const second = new Array<number>(81).fill(0);
  for (let i = 0; i < 3; i++)
    for (let j = 0; j < 3; j++)
      for (let k = 0; k < 3; k++) {
        const sign = levi(i, j, k);
        const places = [i, 3 + j, 6 + k];
        const factors = [at(0, i), at(1, j), at(2, k)];
        for (let r = 0; r < 3; r++) {
          gradient[places[r]] += sign * factors[(r + 1) % 3] * factors[(r + 2) % 3];
          for (const q of [(r + 1) % 3, (r + 2) % 3]) second[9 * places[r] + places[q]] += sign * factors[3 - r - q];
        }
      }
  return { gradient, second };
}

describe.each(matrices)("at %s", (_name, a) => {
  const { gradient, second } = byDefinition(a);
  const close = (got: Tensor, wanted: readonly number[]): void =>
    got.dataSync().forEach((v, i) => expect(Math.abs(v - wanted[i]), `element ${i}`).toBeLessThan(1e-13));

  test("gradient and Hessian, by every nesting, jitted and batched", () => {
    close(grad(det)(a), gradient);
    close(jacfwd(det)(a), gradient);
    for (const d of [hessian(det), jacrev(grad(det)), jacfwd(jacfwd(det)), jit(hessian(det))]) close(d(a), second);
    close(vmap(hessian(det))(a.reshape(1, 3, 3)), second);
  });
});
