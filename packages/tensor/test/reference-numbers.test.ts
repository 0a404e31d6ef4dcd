/** Reference numbers of theme-tensor-core §9 that need elementwise functions, reductions, convolutions and control flow. */

import {
  abs,
  atan2,
  conv,
  cos,
  cumprod,
  digamma,
  erfinv,
  grad,
  hessian,
  hvp,
  jacrev,
  jvp,
  lgamma,
  logCumSumExp,
  logSoftmax,
  logSumExp,
  maxPool,
  polygamma,
  prod,
  scan,
  softplus,
  sort,
  tanh,
  vmap,
  whileLoop,
  type Tensor,
} from "@curv/tensor";
import * as tree from "@curv/tensor/tree";
import { derivatives, describeRows, ofCounting, type Make, type Row } from "./reference-numbers.js";

const angle = (y: Tensor, x: Tensor): Tensor => atan2(y, x);

const rosenbrock = (x: Tensor): Tensor => {
  const [a, b] = [x.slice(0), x.slice(1)];
  return b.sub(a.square()).square().mul(100).add(a.neg().add(1).square());
};

/** x ← r x (1 − x), ten times from 0.3. */
const logistic = (r: Tensor): Tensor =>
  scan((x: Tensor, _: null) => [r.mul(x).mul(x.neg().add(1)), null] as const, r.mul(0).add(0.3), null, {
    length: 10,
  })[0];

/** h ← tanh(a h + x_i) over x = sin 0 … sin 19. */
const recurrent = (make: Make, a: Tensor): { last: Tensor; products: Tensor } => {
  const x = make(Array.from({ length: 20 }, (_, i) => Math.sin(i)));
  const [last, products] = scan((h: Tensor, v: Tensor) => [tanh(a.mul(h).add(v)), h.mul(v)] as const, a.mul(0), x);
  return { last, products: products.sum() };
};

const convOptions = {
  stride: [2, 1],
  padding: [[1, 0], [2, -1]],
  inputDilation: [2, 1],
  dilation: [1, 2],
  groups: 2,
} as const; // prettier-ignore
const image = (make: Make): Tensor => ofCounting(make, Math.sin, [2, 4, 5, 6]);
const kernel = (make: Make): Tensor => ofCounting(make, (k) => Math.cos(Math.sin(k)), [6, 2, 3, 2]);
const pool = (x: Tensor): Tensor => maxPool(x, { window: 3, stride: 2, padding: "same" });
const cube = (y: Tensor): Tensor => y.mul(y).mul(y).sum();

interface Mlp {
  readonly w1: Tensor;
  readonly b1: Tensor;
  readonly w2: Tensor;
  readonly b2: Tensor;
}
const mlp = (make: Make): { params: Mlp; direction: Mlp; loss: (p: Mlp) => Tensor } => {
  const x = make(Array.from({ length: 15 }, (_, i) => Math.cos(i)), [5, 3]); // prettier-ignore
  const label = make([[1, 0], [0, 1], [0, 1], [1, 0], [0, 1]]); // prettier-ignore
  const params: Mlp = {
    w1: ofCounting(make, Math.sin, [3, 4]),
    b1: ofCounting(make, (k) => 0.1 * Math.cos(Math.sin(k)), [4]),
    w2: ofCounting(make, (k) => 0.5 * Math.sin(k), [4, 2]),
    b2: make([0, 0]),
  };
  return {
    params,
    direction: tree.map((w: Tensor) => cos(w), params),
    loss: ({ w1, b1, w2, b2 }) =>
      logSoftmax(tanh(x.matmul(w1).add(b1)).matmul(w2).add(b2))
        .mul(label)
        .sum()
        .div(-5),
  };
};

const rows: readonly Row[] = [
  {
    name: "R1: tanh and its first five derivatives at 0.5",
    wanted: [
      ".46211715726001",
      ".786447732965927",
      "-.726861981383587",
      "-.56520928825977",
      "3.95221956372458",
      "-3.26668647197140",
    ],
    compute: (make) => derivatives(tanh, make(0.5), 5),
  },
  {
    name: "R2: Hessian of Rosenbrock's function at (−1.2, 1)",
    wanted: ["1330", "480", "480", "200"],
    compute: (make) => [hessian(rosenbrock)(make([-1.2, 1]))],
  },
  {
    name: "R3: fourth derivative of softplus at 0",
    wanted: ["-.125"],
    compute: (make) => derivatives(softplus, make(0), 4).slice(4),
  },
  {
    name: "R4: Hessian of a product with two zeros",
    wanted: ["0", "3", "0", "3", "0", "0", "0", "0", "0"],
    compute: (make) => [hessian((x: Tensor) => prod(x))(make([0, 0, 3]))],
    float32: 0,
  },
  {
    name: "R5: Jacobian of cumprod with a zero",
    wanted: ["1", "0", "0", "0", "2", "0", "0", "6", "0"],
    compute: (make) => [jacrev((x: Tensor) => cumprod(x, 0))(make([2, 0, 3]))],
    float32: 0,
  },
  {
    name: "R6: second derivatives of a product of four with two zeros",
    wanted: ["0", "0", "6", "0", "0", "0", "0", "0", "6", "0", "0", "0", "0", "0", "0", "0"],
    compute: (make) => [hessian((x: Tensor) => prod(x))(make([0, 2, 0, 3]))],
    float32: 0,
  },
  {
    name: "R7: last row of the Jacobian of logCumSumExp at [0, 1000, 999]",
    wanted: ["0", ".731058578630005", ".268941421369995"],
    compute: (make) => [jacrev((x: Tensor) => logCumSumExp(x, 0))(make([0, 1000, 999])).slice(2)],
    float32: 6e-5, // of e^(x − z) with z ≈ 1001.3 rounded
  },
  {
    name: "R8: the gamma family",
    wanted: [
      "1.095797994818076",
      "-3.502524222200133",
      "12.24536454610773",
      "-75.27253658872603",
      ".2239058488172521",
      ".703156640645243",
    ],
    compute: (make) => [
      ...[lgamma, digamma, (x: Tensor) => polygamma(1, x), (x: Tensor) => polygamma(2, x)].map((f) => f(make(0.3))),
      polygamma(3, make(2.5)),
      digamma(make(-1.5)),
    ],
  },
  {
    name: "R9: erfinv and two derivatives at 0.3",
    wanted: [".272462714726754356", ".954520358840549", ".496486526010743"],
    compute: (make) => derivatives(erfinv, make(0.3)),
  },
  {
    name: "R9: erfinv(1 − 1e-10)",
    wanted: ["4.572824958544925"],
    compute: (make) => [erfinv(make(1 - 1e-10))],
    float32: null,
  },
  {
    name: "R23: ten steps of the logistic map and two derivatives in r",
    wanted: [".745686890083563", "-1.72364071533435", "-293.942214558255"],
    compute: (make) => derivatives(logistic, make(3.7)),
    float32: 1e-4,
  },
  {
    name: "R24: a recurrent network, its derivative, and a second one of another function of it",
    wanted: ["-.479334154798748", "-.660250679164076", "-.381588326249206"],
    compute: (make) => [
      ...derivatives((a) => recurrent(make, a).last, make(0.8), 1),
      derivatives((a) => recurrent(make, a).products, make(0.8))[2],
    ],
  },
  {
    name: "R26: a convolution with everything, its gradients and Hessian",
    wanted: ["2", "6", "4", "5", "197.439026986205", "1577.50714246041", "142.618753489185", "988.618599253367"],
    compute: (make) => {
      const [x, w] = [image(make), kernel(make)];
      const y = conv(x, w, convOptions);
      const cubed = (x: Tensor, w: Tensor): Tensor => cube(conv(x, w, convOptions));
      return [
        ...y.shape,
        y.square().sum(),
        grad(cubed)(x, w).sum(),
        grad(cubed, { argnums: 1 })(x, w).sum(),
        hvp((x: Tensor) => cubed(x, w), x, cos(x)).sum(),
      ];
    },
  },
  {
    name: "R27: maximum pooling and a Hessian-vector product through it",
    wanted: ["43.5677109206369", "153.766916519324"],
    compute: (make) => {
      const x = image(make);
      return [pool(x).square().sum(), hvp((x: Tensor) => cube(pool(x)), x, cos(x)).sum()];
    },
  },
  {
    // The third derivative from mpmath with 50 digits: terms of size 1 cancel in it, and in float32 most of its digits.
    name: "R28: a multilayer perceptron to third order",
    wanted: [".680553498549503", ".039708161827767", ".044332244582453", "-.005775042040950873"],
    compute: (make) => {
      const { params, direction, loss } = mlp(make);
      const g = grad(loss)(params);
      const along = (t: Tensor): Tensor => loss(tree.axpy(t, direction, params));
      return [loss(params), tree.dot(g, g), ...derivatives(along, make(0), 3).slice(2)];
    },
    float32: 1e-3,
  },
  {
    name: "R29: jvp of Newton's method for √2 by whileLoop",
    wanted: ["1.41421356237310", ".353553390593274"],
    compute: (make) => {
      const root = (a: Tensor): Tensor =>
        whileLoop(
          (x: Tensor) => abs(x.square().sub(a)).greater(a.mul(1e-6)),
          (x) => x.add(a.div(x)).mul(0.5),
          a.mul(0).add(1),
        ) as Tensor;
      const { value, tangent } = jvp(root, [make(2)], [make(1)]);
      return [value, tangent];
    },
    tolerance: 1e-10,
  },
  {
    name: "R31: jvp(vmap(grad x⁵)) at [1, 2]",
    wanted: ["20", "160"],
    compute: (make) => [jvp(vmap(grad((x: Tensor) => x.pow(5))), [make([1, 2])], [make([1, 1])]).tangent],
    float32: 0,
  },
  {
    name: "R32: jvp of sort",
    wanted: ["20", "30", "10"],
    compute: (make) => [jvp((x: Tensor) => sort(x), [make([3, 1, 2])], [make([10, 20, 30])]).tangent],
    float32: 0,
  },
  {
    name: "R33: Hessian of logSumExp at [1000, 1001, −1000]",
    wanted: [".196611933241482", "-.196611933241482", "0", "-.196611933241482", ".196611933241482", "0", "0", "0", "0"],
    compute: (make) => [hessian((x: Tensor) => logSumExp(x))(make([1000, 1001, -1000]))],
  },
  {
    name: "R34: derivative of atan2 at (1e-200, 1e-200)",
    wanted: ["5e199", "-5e199"],
    compute: (make) => [
      grad(angle)(make(1e-200), make(1e-200)),
      grad(angle, { argnums: 1 })(make(1e-200), make(1e-200)),
    ],
    float32: null,
  },
];

describeRows(rows);
