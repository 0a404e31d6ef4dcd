/** What samplers refuse, and in what words. */

import { expect, test } from "vitest";
import { tensor, zeros } from "../create.js";
import type { CurvErrorCode } from "../errors.js";
import { isCurvError } from "../errors.js";
import type { Tensor } from "../tensor.js";
import { jit } from "../transform/jit.js";
import { vmap } from "../transform/vmap.js";
import * as random from "./index.js";

const k = random.key(0);
const minus = tensor([1, -0.5, 2]);

const refused: [CurvErrorCode, string, () => unknown][] = [
  ["CURV_DOMAIN", "randint: high 3 must exceed low 3.", () => random.randint(k, 3, 3)],
  ["CURV_DOMAIN", "randint: high 3 must exceed low 7.", () => random.randint(k, tensor(Int32Array.of(0, 7)), 3)],
  ["CURV_DOMAIN", "randint: high -2 must exceed low 0.", () => random.randint(k, 0, tensor(Int32Array.of(4, -2)))],
  ["CURV_DOMAIN", "key: seed 1.5 is not a safe integer.", () => random.key(1.5)],
  ["CURV_DOMAIN", "key: seed 9007199254740992 is not a safe integer.", () => random.key(2 ** 53)],
  [
    "CURV_DTYPE",
    "uniform: dtype int32; wants float32 or float64 (see randint).",
    () => random.uniform(k, { dtype: "int32" as never }),
  ],
  ["CURV_DOMAIN", "gamma: concentration at [1] is -0.5; wants > 0.", () => random.gamma(k, minus)],
  ["CURV_DOMAIN", "gamma: concentration is 0; wants > 0.", () => random.gamma(k, 0)],
  ["CURV_DOMAIN", "gamma: concentration is NaN; wants > 0.", () => random.gamma(k, NaN)],
  ["CURV_DOMAIN", "gamma: concentration is -0.1; wants > 0.", () => random.gamma(k, tensor(-0.1))],
  ["CURV_DOMAIN", "logGamma: concentration at [1] is -0.5; wants > 0.", () => random.logGamma(k, minus)],
  ["CURV_DOMAIN", "beta: a at [0, 1] is 0; wants > 0.", () => random.beta(k, tensor([[1, 0]]), 1)],
  ["CURV_DOMAIN", "beta: b is -1; wants > 0.", () => random.beta(k, 1, -1)],
  ["CURV_DOMAIN", "dirichlet: concentration at [1] is -0.5; wants > 0.", () => random.dirichlet(k, minus)],
  [
    "CURV_SHAPE",
    "dirichlet: concentration is a scalar; wants a last axis with one number a component.",
    () => random.dirichlet(k, tensor(1)),
  ],
  ["CURV_DOMAIN", "chiSquare: degrees is 0; wants > 0.", () => random.chiSquare(k, 0)],
  ["CURV_DOMAIN", "studentT: degrees is -3; wants > 0.", () => random.studentT(k, -3)],
  ["CURV_DOMAIN", "pareto: exponent is 0; wants > 0.", () => random.pareto(k, 0)],
  ["CURV_DOMAIN", "poisson: rate is -1; wants 0 <= rate < 2^30.", () => random.poisson(k, -1)],
  ["CURV_DOMAIN", "poisson: rate is 1073741824; wants 0 <= rate < 2^30.", () => random.poisson(k, 2 ** 30)],
  ["CURV_DOMAIN", "binomial: trials is 2.5; wants an integer in 0..2147483647.", () => random.binomial(k, 2.5, 0.5)],
  [
    "CURV_DOMAIN",
    "binomial: trials at [1] is -0.5; wants an integer in 0..2147483647.",
    () => random.binomial(k, minus, 0.5),
  ],
  ["CURV_DOMAIN", "binomial: p is 1.5; wants 0 <= p <= 1.", () => random.binomial(k, 3, 1.5)],
  ["CURV_DOMAIN", "bernoulli: p at [1] is -0.5; wants 0 <= p <= 1.", () => random.bernoulli(k, minus)],
  ["CURV_DOMAIN", "geometric: p is 0; wants 0 < p <= 1.", () => random.geometric(k, 0)],
  ["CURV_DOMAIN", "uniform: high 1 is below low 2.", () => random.uniform(k, { low: 2 })],
  ["CURV_DOMAIN", "uniform: high is Infinity; wants a finite number.", () => random.uniform(k, { high: Infinity })],
  ["CURV_DOMAIN", "truncatedNormal: upper 1 must exceed lower 1.", () => random.truncatedNormal(k, 1, 1)],
  [
    "CURV_DOMAIN",
    "truncatedNormal: upper 0 must exceed lower 1 at [0].",
    () => random.truncatedNormal(k, tensor([1, -1]), 0),
  ],
  ["CURV_DOMAIN", "truncatedNormal: lower is NaN; wants a number.", () => random.truncatedNormal(k, NaN, 0)],
  ["CURV_DOMAIN", "categorical: logits at [1] is NaN; wants a number.", () => random.categorical(k, tensor([0, NaN]))],
  [
    "CURV_DOMAIN",
    "categorical: axis 0 of logits has length 0; wants categories.",
    () => random.categorical(k, zeros([0])),
  ],
  [
    "CURV_SHAPE",
    "categorical: logits without its categories has shape [2], which does not broadcast to [3].",
    () => random.categorical(k, zeros([2, 4]), { shape: [3] }),
  ],
  [
    "CURV_DOMAIN",
    "choice: 4 draws without replacement from 3 members.",
    () => random.choice(k, 3, { shape: [4], replace: false }),
  ],
  ["CURV_DOMAIN", "choice: population is empty.", () => random.choice(k, 0)],
  ["CURV_DOMAIN", "choice: population is -1; wants an integer >= 0.", () => random.choice(k, -1)],
  ["CURV_SHAPE", "choice: p has shape [2]; wants [3].", () => random.choice(k, 3, { p: [0.5, 0.5] })],
  ["CURV_DOMAIN", "choice: p at [1] is -1; wants >= 0.", () => random.choice(k, 2, { p: [2, -1] })],
  ["CURV_DOMAIN", "choice: p has 0 members with a weight > 0; wants 1.", () => random.choice(k, 2, { p: [0, 0] })],
  [
    "CURV_DOMAIN",
    "choice: p has 1 members with a weight > 0; wants 2.",
    () => random.choice(k, 2, { shape: [2], replace: false, p: [0, 1] }),
  ],
  ["CURV_DOMAIN", "permutation: x is 2.5; wants an integer >= 0.", () => random.permutation(k, 2.5)],
  [
    "CURV_DOMAIN",
    "permutation: x is a scalar tensor; wants a number or at least one axis.",
    () => random.permutation(k, tensor(3)),
  ],
  [
    "CURV_SHAPE",
    "permutation: axis 2 is out of range for rank 1 (wants -1..0).",
    () => random.permutation(k, minus, { axis: 2 }),
  ],
  [
    "CURV_DTYPE",
    "rademacher: dtype uint32 has no -1; wants float32, float64 or int32.",
    () => random.rademacher(k, { dtype: "uint32" }),
  ],
  [
    "CURV_DTYPE",
    "randint: dtype float32; wants int32 or uint32 (see uniform).",
    () => random.randint(k, 0, 2, { dtype: "float32" as never }),
  ],
  [
    "CURV_DOMAIN",
    "randint: low is 0.5; wants an integer in -2147483648..2147483647 for int32.",
    () => random.randint(k, 0.5, 2),
  ],
  [
    "CURV_DOMAIN",
    "randint: low is -1; wants an integer in 0..4294967295 for uint32.",
    () => random.randint(k, -1, 2, { dtype: "uint32" }),
  ],
  ["CURV_DTYPE", "randint: high is float32; wants int32 or uint32.", () => random.randint(k, 0, tensor(2))],
  ["CURV_DTYPE", "normal: key is object; wants a key (random.key(0)).", () => random.normal([0, 1] as never)],
  ["CURV_DTYPE", "normal: key is number; wants a key (random.key(0)).", () => random.normal(0 as never)],
  [
    "CURV_DTYPE",
    "normal: key is float32; wants uint32 of shape [2] (random.key(0)).",
    () => random.normal(tensor([0, 1])),
  ],
  [
    "CURV_SHAPE",
    "normal: key has shape [3, 2]; wants [2]. Use vmap for several keys.",
    () => random.normal(random.splitKeys(k, 3)),
  ],
  ["CURV_DTYPE", "normal: dtype int32; wants float32 or float64.", () => random.normal(k, { dtype: "int32" as never })],
  [
    "CURV_SHAPE",
    "gamma: concentration has shape [3], which does not broadcast to [2].",
    () => random.gamma(k, tensor([1, 2, 3]), { shape: [2] }),
  ],
  ["CURV_DOMAIN", "split: count is 0; wants an integer >= 1.", () => random.split(k, 0)],
  ["CURV_DOMAIN", "splitKeys: count is -1; wants an integer >= 0.", () => random.splitKeys(k, -1)],
  ["CURV_DOMAIN", "foldIn: data is -1; wants a safe integer >= 0.", () => random.foldIn(k, -1)],
  ["CURV_DTYPE", "foldIn: data is float32; wants int32 or uint32.", () => random.foldIn(k, tensor(1))],
  ["CURV_SHAPE", "foldIn: data has shape [3]; wants a scalar.", () => random.foldIn(k, tensor(Int32Array.of(1, 2, 3)))],
  ["CURV_DOMAIN", "sphere: dimension is 0; wants an integer >= 1.", () => random.sphere(k, 0)],
  ["CURV_DOMAIN", "ball: dimension is 1.5; wants an integer >= 1.", () => random.ball(k, 1.5)],
  ["CURV_DOMAIN", "orthogonal: rows is -1; wants an integer >= 0.", () => random.orthogonal(k, -1)],
  [
    "CURV_SHAPE",
    "multivariateNormal: covariance has shape [3, 3]; wants [..., 2, 2] as the mean.",
    () => random.multivariateNormal(k, zeros([2]), zeros([3, 3])),
  ],
  [
    "CURV_SHAPE",
    "multivariateNormal: mean is a scalar; wants [..., n].",
    () => random.multivariateNormal(k, tensor(0), zeros([1, 1])),
  ],
  [
    "CURV_DOMAIN",
    "cholesky: matrix is not positive definite: pivot 0 is 0. Add jitter (A + 1e-8·I) or check that A is symmetric.",
    () => random.multivariateNormal(k, zeros([2]), zeros([2, 2])),
  ],
];

test.each(refused)("%s: %s", (code, message, call) => {
  let error: unknown = null;
  try {
    call();
  } catch (thrown) {
    error = thrown;
  }
  expect((error as Error)?.message).toBe(message);
  expect(isCurvError(error, code)).toBe(true);
});

test("a parameter is also checked under jit and vmap", () => {
  const draw = (a: Tensor): Tensor => random.gamma(k, a);
  expect(() => jit(draw)(minus)).toThrow("gamma: concentration at [1] is -0.5; wants > 0.");
  expect(() => vmap(draw)(minus)).toThrow("gamma: concentration is -0.5; wants > 0.");
});
