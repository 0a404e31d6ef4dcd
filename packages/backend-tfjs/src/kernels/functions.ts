/** Functions of one number: the engine's kernel where it is good to a few units in the last place, else a formula from kernels that are. */

import type { Engine } from "../engine.js";
import type { TfjsTensor } from "../tfjs.js";
import { direct, sign } from "./elementwise.js";
import type { KernelTable, TfjsKernel } from "./kernel.js";

type Function1 = (engine: Engine, x: TfjsTensor) => TfjsTensor;

const formula =
  (f: Function1): TfjsKernel =>
  (engine, [x]) => [f(engine, x)];

/** The kernel if it is exact on the engine, else the formula. */
const either =
  (kernel: string, f: Function1): TfjsKernel =>
  (engine, [x]) => [engine.exact(kernel) ? engine.unary(kernel, x) : f(engine, x)];

/** 2 artanh s for |s| < 0.21 by six terms of its series: the logarithm of (1 + s)/(1 − s). */
function twiceArtanh(engine: Engine, s: TfjsTensor): TfjsTensor {
  const series = engine.polynomial(engine.mul(s, s), [1 / 11, 1 / 9, 1 / 7, 1 / 5, 1 / 3, 1]);
  return engine.mul(engine.add(s, s), series);
}

/**
 * log x. A GPU's may be off by 2⁻²¹ anywhere in [½, 2], which near 1 is all of it (WGSL, section 15.7.4.1): there by the series, once a factor
 * of 2 has brought x to [2/3, 4/3].
 */
function log(engine: Engine, x: TfjsTensor): TfjsTensor {
  if (engine.exact("Log")) return engine.unary("Log", x);
  const [low, high] = [engine.less(x, 2 / 3), engine.less(4 / 3, x)];
  const y = engine.where(low, engine.add(x, x), engine.where(high, engine.mul(x, 0.5), x));
  const halvings = engine.sub(engine.cast(high, "float32"), engine.cast(low, "float32"));
  const series = twiceArtanh(engine, engine.div(engine.sub(y, 1), engine.add(y, 1)));
  const near = engine.add(engine.mul(halvings, Math.LN2), series);
  const isNear = engine.and(engine.less(0.5, x), engine.less(x, 2));
  return engine.where(isNear, near, engine.unary("Log", x));
}

/** log(1 + x): near 0 by 2 artanh(x/(2 + x)). */
function log1p(engine: Engine, x: TfjsTensor): TfjsTensor {
  if (engine.exact("Log1p")) return engine.unary("Log1p", x);
  const near = twiceArtanh(engine, engine.div(x, engine.add(x, 2)));
  const isNear = engine.and(engine.less(-0.26, x), engine.less(x, 0.35));
  const isTiny = engine.less(engine.unary("Abs", x), 1e-18);
  return engine.where(isTiny, x, engine.where(isNear, near, log(engine, engine.add(x, 1))));
}

/** eˣ − 1: near 0 by Taylor's series. */
function expm1(engine: Engine, x: TfjsTensor): TfjsTensor {
  if (engine.exact("Expm1")) return engine.unary("Expm1", x);
  const series = engine.mul(x, engine.polynomial(x, [1 / 40320, 1 / 5040, 1 / 720, 1 / 120, 1 / 24, 1 / 6, 1 / 2, 1]));
  const isNear = engine.less(engine.unary("Abs", x), 0.5);
  return engine.where(isNear, series, engine.sub(engine.unary("Exp", x), 1));
}

const softplus: Function1 = (engine, x) => {
  const decay = engine.unary("Exp", engine.unary("Neg", engine.unary("Abs", x)));
  return engine.add(engine.maximum(x, engine.number(0)), log1p(engine, decay));
};

/**
 * Sine and cosine by Cody and Waite's reduction to ±π/4 and Cephes' minimax polynomials (sinf, cosf). Beyond 8192 the reduction has no digits
 * left, and the half-angle formulas take the engine's tangent, which reduces for itself.
 */
function circular(engine: Engine, x: TfjsTensor, cosine: boolean): TfjsTensor {
  const n = engine.unary("Floor", engine.add(engine.mul(x, 2 / Math.PI), 0.5));
  const [a, b, c] = [1.5703125, 4.83751296997e-4, 7.54978995489e-8];
  const r = engine.sub(engine.sub(engine.sub(x, engine.mul(n, a)), engine.mul(n, b)), engine.mul(n, c));
  const z = engine.mul(r, r);
  const sine = engine.add(
    r,
    engine.mul(engine.mul(r, z), engine.polynomial(z, [-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1])),
  );
  const cosine0 = engine.add(
    engine.sub(1, engine.mul(z, 0.5)),
    engine.mul(
      engine.mul(z, z),
      engine.polynomial(z, [2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2]),
    ),
  );
  const turns = cosine ? engine.add(n, 1) : n;
  const quadrant = engine.sub(turns, engine.mul(engine.unary("Floor", engine.mul(turns, 0.25)), 4));
  const odd = engine.equal(engine.sub(quadrant, engine.mul(engine.unary("Floor", engine.mul(quadrant, 0.5)), 2)), 1);
  const value = engine.where(odd, cosine0, sine);
  const near = engine.where(engine.less(quadrant, 1.5), value, engine.unary("Neg", value));
  const t = engine.unary("Tan", engine.mul(x, 0.5));
  const square = engine.mul(t, t);
  const far = cosine
    ? engine.div(engine.sub(1, square), engine.add(square, 1))
    : engine.div(engine.add(t, t), engine.add(square, 1));
  return engine.where(engine.less(engine.unary("Abs", x), 8192), near, far);
}

// erf and erfc: Cephes, ndtrf.c (S. Moshier, 1988).
const erfNear = [
  7.853861353153693e-5, -8.010193625184903e-4, 5.188327685732524e-3, -2.685381193529856e-2, 1.128358514861418e-1,
  -3.7612625824233e-1, 1.12837916572671,
];
const erfcMiddle = [
  2.326819970068386e-2, -1.387039388740657e-1, 3.687424674597105e-1, -5.824733027278666e-1, 6.210004621745983e-1,
  -4.944515323274145e-1, 3.404879937665872e-1, -2.741127028184656e-1, 5.638259427386472e-1,
];
const erfcFar = [
  -1.047766399936249e1, 1.297719955372516e1, -7.495518717768503, 2.921019019210786, -1.0152652792027,
  4.218463358204948e-1, -2.820767439740514e-1, 5.641895067754075e-1,
];

/** erf on [−1, 1]. */
const erfSeries: Function1 = (engine, x) => engine.mul(x, engine.polynomial(engine.mul(x, x), erfNear));

/** erfc for x ≥ 1, with the rounding error of x² put back, which e^(−x²) would multiply. */
const erfcTail: Function1 = (engine, x) => {
  const scaled = engine.mul(x, 4097);
  const high = engine.sub(scaled, engine.sub(scaled, x));
  const low = engine.mul(engine.sub(x, high), engine.add(x, high));
  const decay = engine.mul(
    engine.unary("Exp", engine.unary("Neg", engine.mul(high, high))),
    engine.unary("Exp", engine.unary("Neg", low)),
  );
  const q = engine.div(1, x);
  const y = engine.mul(q, q);
  const factor = engine.where(engine.less(x, 2), engine.polynomial(y, erfcMiddle), engine.polynomial(y, erfcFar));
  return engine.mul(engine.mul(decay, q), factor);
};

/** |x| within the range of the tail's formula: e^(−x²) is 0 beyond. */
const tailArgument: Function1 = (engine, x) =>
  engine.minimum(engine.maximum(engine.unary("Abs", x), engine.number(1)), engine.number(11));

const erf: Function1 = (engine, x) => {
  const far = engine.mul(sign(engine, x), engine.sub(1, erfcTail(engine, tailArgument(engine, x))));
  return engine.where(engine.less(engine.unary("Abs", x), 1), erfSeries(engine, x), far);
};

const erfc: Function1 = (engine, x) => {
  const tail = erfcTail(engine, tailArgument(engine, x));
  const far = engine.where(engine.less(x, 0), engine.sub(2, tail), tail);
  return engine.where(engine.less(engine.unary("Abs", x), 1), engine.sub(1, erfSeries(engine, x)), far);
};

/** Source: M. Giles, Approximating the erfinv function (2010), table 5: single precision. */
const erfinv: Function1 = (engine, x) => {
  const w = engine.unary("Neg", log1p(engine, engine.unary("Neg", engine.mul(x, x))));
  const center = engine.polynomial(
    engine.sub(w, 2.5),
    [
      2.81022636e-8, 3.43273939e-7, -3.5233877e-6, -4.39150654e-6, 0.00021858087, -0.00125372503, -0.00417768164,
      0.246640727, 1.50140941,
    ],
  );
  const root = engine.unary("Sqrt", engine.maximum(w, engine.number(5)));
  const tail = engine.polynomial(
    engine.sub(root, 3),
    [
      -0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773, -0.0076224613, 0.00943887047,
      1.00167406, 2.83297682,
    ],
  );
  const y = engine.mul(engine.where(engine.less(w, 5), center, tail), x);
  const edge = engine.equal(engine.unary("Abs", x), 1);
  return engine.where(edge, engine.mul(x, Infinity), y);
};

/** The power 1/3, then a step of Newton's method for its rounded exponent. */
const cbrt: Function1 = (engine, x) => {
  const a = engine.unary("Abs", x);
  const y = engine.binary("Pow", a, 1 / 3);
  const square = engine.mul(y, y);
  const step = engine.div(engine.sub(y, engine.div(a, square)), 3);
  const root = engine.mul(sign(engine, x), engine.sub(y, step));
  const plain = engine.or(engine.equal(a, 0), engine.equal(a, Infinity));
  return engine.where(plain, x, root);
};

/** From eˣ − 1, so that nothing cancels near 0; e^(x/2) twice, so that nothing overflows early. */
const sinh: Function1 = (engine, x) => {
  const a = engine.unary("Abs", x);
  const t = expm1(engine, engine.minimum(a, engine.number(20)));
  const near = engine.mul(0.5, engine.add(t, engine.div(t, engine.add(t, 1))));
  const half = engine.unary("Exp", engine.mul(a, 0.5));
  const y = engine.where(engine.less(a, 20), near, engine.mul(engine.mul(half, 0.5), half));
  return engine.where(engine.less(x, 0), engine.unary("Neg", y), y);
};

const cosh: Function1 = (engine, x) => {
  const half = engine.unary("Exp", engine.mul(engine.unary("Abs", x), 0.5));
  const inverse = engine.div(1, half);
  return engine.add(engine.mul(engine.mul(half, 0.5), half), engine.mul(engine.mul(inverse, 0.5), inverse));
};

/** (e²ˣ − 1)/(e²ˣ + 1), so that nothing cancels near 0. */
const tanh: Function1 = (engine, x) => {
  const a = engine.minimum(engine.unary("Abs", x), engine.number(10));
  const t = expm1(engine, engine.add(a, a));
  const y = engine.div(t, engine.add(t, 2));
  return engine.where(engine.less(x, 0), engine.unary("Neg", y), y);
};

/** log(|x| + √(x² + 1)) with the sign of x, without cancellation near 0 and without overflow. */
const asinh: Function1 = (engine, x) => {
  const a = engine.unary("Abs", x);
  const near = engine.minimum(a, engine.number(1e8));
  const square = engine.mul(near, near);
  const root = engine.unary("Sqrt", engine.add(square, 1));
  const y = log1p(engine, engine.add(near, engine.div(square, engine.add(root, 1))));
  const far = engine.add(engine.unary("Log", engine.maximum(a, engine.number(1))), Math.LN2);
  const z = engine.where(engine.less(a, 1e8), y, far);
  return engine.where(engine.less(x, 0), engine.unary("Neg", z), z);
};

const acosh: Function1 = (engine, x) => {
  const t = engine.sub(engine.minimum(x, engine.number(1e8)), 1);
  const y = log1p(engine, engine.add(t, engine.unary("Sqrt", engine.mul(t, engine.add(t, 2)))));
  const far = engine.add(engine.unary("Log", engine.maximum(x, engine.number(1))), Math.LN2);
  return engine.where(engine.less(x, 1), NaN, engine.where(engine.less(x, 1e8), y, far));
};

/** 2 atan √((1 − x)/(1 + x)): 1 − x and 1 + x are exact where they matter, and x = −1 gives π by an infinite quotient. */
const acos: Function1 = (engine, x) => {
  const quotient = engine.div(engine.unary("Sqrt", engine.sub(1, x)), engine.unary("Sqrt", engine.add(x, 1)));
  return engine.mul(engine.unary("Atan", quotient), 2);
};

/** ½ log((1 + x)/(1 − x)) = ½ log1p(2x/(1 − x)). */
const atanh: Function1 = (engine, x) => {
  const a = engine.unary("Abs", x);
  const y = engine.mul(log1p(engine, engine.div(engine.add(a, a), engine.sub(1, a))), 0.5);
  return engine.where(engine.less(x, 0), engine.unary("Neg", y), y);
};

const scaledLog = (factor: number): TfjsKernel => formula((engine, x) => engine.mul(log(engine, x), factor));

export const functionKernels: KernelTable = {
  exp: /* @__PURE__ */ direct("Exp"),
  exp2: (engine, [x]) => [engine.binary("Pow", 2, x)],
  expm1: /* @__PURE__ */ formula(expm1),
  log: /* @__PURE__ */ formula(log),
  log1p: /* @__PURE__ */ formula(log1p),
  log2: /* @__PURE__ */ scaledLog(Math.LOG2E),
  log10: /* @__PURE__ */ scaledLog(Math.LOG10E),
  rsqrt: (engine, [x]) => [engine.div(1, engine.unary("Sqrt", x))],
  cbrt: /* @__PURE__ */ formula(cbrt),
  sigmoid: /* @__PURE__ */ direct("Sigmoid"),
  softplus: /* @__PURE__ */ formula(softplus),
  sin: /* @__PURE__ */ either("Sin", (engine, x) => circular(engine, x, false)),
  cos: /* @__PURE__ */ either("Cos", (engine, x) => circular(engine, x, true)),
  tan: /* @__PURE__ */ either("Tan", (engine, x) => engine.div(circular(engine, x, false), circular(engine, x, true))),
  asin: /* @__PURE__ */ direct("Asin"),
  acos: /* @__PURE__ */ either("Acos", acos),
  atan: /* @__PURE__ */ direct("Atan"),
  sinh: /* @__PURE__ */ formula(sinh),
  cosh: /* @__PURE__ */ formula(cosh),
  tanh: /* @__PURE__ */ either("Tanh", tanh),
  asinh: /* @__PURE__ */ formula(asinh),
  acosh: /* @__PURE__ */ formula(acosh),
  atanh: /* @__PURE__ */ formula(atanh),
  erf: /* @__PURE__ */ either("Erf", erf),
  erfc: /* @__PURE__ */ formula(erfc),
  erfinv: /* @__PURE__ */ formula(erfinv),
};
