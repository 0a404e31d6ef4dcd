/** Prints how many seconds the first call of a jitted Hessian-vector product took more than the ones after it: `first-call.ts SIZES`. */

import { hvp, jit, type Tensor } from "@curv/tensor";
import { seconds } from "./clock.js";
import { curvProblem, loss, type Parameters, type Sizes } from "./mlp.js";

const { p, v, x, y } = curvProblem("float32", JSON.parse(process.argv[2]) as Sizes);
const product = jit((q: Parameters<Tensor>, u: Parameters<Tensor>, a: Tensor, b: Tensor) => hvp(loss, q, u, a, b));

function call(): number {
  const start = seconds();
  product(p, v, x, y);
  return seconds() - start;
}

const first = call();
const later = Array.from({ length: 9 }, call).sort((a, b) => a - b);
console.log(first - later[4]);
