/** What a product with the Hessian, or with the Gauss–Newton matrix, costs in gradients: once, and again at the same parameters. */

import { gaussNewtonOperator, squaredErrorOutput } from "@curv/hvp";
import { grad, hvp, jit, jvp, linearize, type Tensor, vjp } from "@curv/tensor";
import { cnnLoss, type CnnParameters, cnnProblem } from "./cnn.js";
import type { Benchmark, Case, Contender } from "./comparison.js";
import { local } from "./local.js";
import { curvProblem, large, loss, type Sizes } from "./mlp.js";

type Parameters = CnnParameters<Tensor>;
type Loss = (p: Parameters, x: Tensor, y: Tensor) => Tensor;

export function hvpCost({ sizes, batch }: { sizes: Sizes; batch: number } = { sizes: large, batch: 32 }): Benchmark {
  return {
    title: "Products with the Hessian and the Gauss–Newton matrix in units of a gradient, float32, jitted",
    note: "Repeated: the linear part of linearize(grad(loss)) at fixed parameters. The products alone make 1.9 (MLP) and 2.6 (CNN) once, 1.3 and 1.9 repeated.",
    cases: [
      caseOf(
        `MLP ${sizes.inputs}-${sizes.hidden}-${sizes.hidden}-${sizes.outputs}, batch ${sizes.batch}`,
        loss,
        curvProblem("float32", sizes),
      ),
      caseOf(`CNN 16-32, batch ${batch}`, cnnLoss, cnnProblem(batch)),
      gaussNewtonCase(sizes),
    ],
  };
}

interface Problem {
  readonly p: Parameters;
  readonly v: Parameters;
  readonly x: Tensor;
  readonly y: Tensor;
}

function caseOf(name: string, f: Loss, { p, v, x, y }: Problem): Case {
  const leaves = (r: readonly Tensor[]): number[] => r.flatMap((t) => Array.from(t.dataSync()));
  const gradient = jit(grad(f));
  const once = jit((q: Parameters, u: Parameters, a: Tensor, b: Tensor) => hvp(f, q, u, a, b));
  const product = jit(linearize((q: Parameters) => grad(f)(q, x, y), p).linear);
  const contender = (who: string, call: () => readonly Tensor[]): Contender => local(who, call, leaves);
  return {
    name,
    ours: [
      contender("curv one-shot", () => once(p, v, x, y)),
      contender("curv repeated", () => product(v) as readonly Tensor[]),
    ],
    peers: [],
    yardsticks: [{ name: "gradient", prepare: () => contender("gradient", () => gradient(p, x, y)) }],
    tolerance: 2e-5,
  };
}

/** Outputs of the network whose `loss` the gradient is of. */
function outputs([w1, b1, w2, b2, w3, b3]: Parameters, x: Tensor): Tensor {
  const h1 = x.matmul(w1).add(b1).tanh();
  return h1.matmul(w2).add(b2).tanh().matmul(w3).add(b3);
}

/** JᵀJ v / n: by the operator, whose network is linearised once, and in one pass each time. */
function gaussNewtonCase(sizes: Sizes): Case {
  const { p, v, x, y } = curvProblem("float32", sizes);
  const leaves = (r: readonly Tensor[]): number[] => r.flatMap((t) => Array.from(t.dataSync()));
  const gradient = jit(grad(loss));
  const operator = gaussNewtonOperator(outputs, squaredErrorOutput, p, { inputs: x });
  const once = jit((q: Parameters, u: Parameters, a: Tensor) => {
    const at = (r: Parameters): Tensor => outputs(r, a);
    return vjp(at, q).pullback(jvp(at, [q], [u]).tangent.div(a.shape[0]))[0];
  });
  const contender = (who: string, call: () => readonly Tensor[]): Contender => local(who, call, leaves);
  return {
    name: `Gauss–Newton, MLP ${sizes.inputs}-${sizes.hidden}-${sizes.hidden}-${sizes.outputs}, batch ${sizes.batch}`,
    ours: [contender("curv one-shot", () => once(p, v, x)), contender("curv repeated", () => operator.apply(v))],
    peers: [],
    yardsticks: [{ name: "gradient", prepare: () => contender("gradient", () => gradient(p, x, y)) }],
    tolerance: 2e-5,
  };
}
