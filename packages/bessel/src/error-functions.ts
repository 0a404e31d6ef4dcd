/** The scaled complementary error function, and logarithms that the tails do not underflow. */

import { bind, definePrimitive, type Primitive, type Tensor } from "@curv/tensor";
import { broadcastOperands } from "./operands.js";
import { erfcx as scalarErfcx, logErfc as scalarLogErfc, logNdtr as scalarLogNdtr } from "./scalar/erfcx.js";

const scalar = { erfcx: scalarErfcx, logErfc: scalarLogErfc, logNdtr: scalarLogNdtr } as const;

type Name = keyof typeof scalar;

const twoOverRootPi = 1.1283791670955126;

const errorFunctionPrimitive: Primitive<{ readonly name: Name }> = /* @__PURE__ */ definePrimitive<{
  readonly name: Name;
}>({
  name: "errorFunction",
  shape: ([x]) => [{ shape: x.shape, dtype: x.dtype, weak: false }],
  jvp: ([x], [dx], { name }, [y]) => {
    switch (name) {
      case "erfcx":
        return [x.mul(y).mul(2).sub(twoOverRootPi).mul(dx!)];
      case "logErfc":
        return [apply("erfcx", x).reciprocal().mul(-twoOverRootPi).mul(dx!)];
      case "logNdtr": // φ/Φ = √(2/π)/erfcx(−x/√2)
        return [apply("erfcx", x.mul(-Math.SQRT1_2)).reciprocal().mul(Math.sqrt(2 / Math.PI)).mul(dx!)]; // prettier-ignore
    }
  },
  batch: (inputs, _batched, params) => bind(errorFunctionPrimitive, inputs, params),
  lower: ([x], { name }, [out]) => {
    const f = scalar[name];
    const n = x.buffer.length;
    const y = out.dtype === "float64" ? new Float64Array(n) : new Float32Array(n);
    for (let i = 0; i < n; i++) y[i] = f(x.buffer[i]);
    return [y];
  },
});

function apply(name: Name, x: Tensor): Tensor {
  return bind(errorFunctionPrimitive, [x], { name })[0];
}

function evaluate(name: Name, x: number | Tensor): number | Tensor {
  if (typeof x === "number") return scalar[name](x);
  return apply(name, broadcastOperands(name, { x })[0]);
}

/**
 * e^{x²}erfc(x), as SciPy's `erfcx`: does not underflow for large x, where it is about 1/(x√π); overflows below −26.6. Relative error at most
 * 1e-15. Differentiable to any order; the derivative 2x·erfcx(x) − 2/√π loses about log₁₀(2x²) digits for large x.
 *
 * @throws DTypeError for tensors that are not float32 or float64.
 */
export function erfcx(x: number): number;
export function erfcx(x: Tensor): Tensor;
export function erfcx(x: number | Tensor): number | Tensor {
  return evaluate("erfcx", x);
}

/** log erfc(x), finite for all x that matter: log erfc(100) is −10005.2. Relative error at most 1e-15. As {@link erfcx}. */
export function logErfc(x: number): number;
export function logErfc(x: Tensor): Tensor;
export function logErfc(x: number | Tensor): number | Tensor {
  return evaluate("logErfc", x);
}

/**
 * log Φ(x), Φ the normal distribution function, as SciPy's `log_ndtr`: right in both tails, to 1e-15 of its value. Its derivative is the
 * inverse Mills ratio φ/Φ, to full precision. As {@link erfcx}.
 */
export function logNdtr(x: number): number;
export function logNdtr(x: Tensor): Tensor;
export function logNdtr(x: number | Tensor): number | Tensor {
  return evaluate("logNdtr", x);
}
