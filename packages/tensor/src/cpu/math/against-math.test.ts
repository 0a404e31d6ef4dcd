/** Many seeded points against JavaScript's own functions, which are independent of ours and within 1 or 2 ulp. */

import { expect, test } from "vitest";
import * as math from "./index.js";
import { ulpBounds } from "./ulp-bounds.js";

const functions = math as unknown as Record<string, (x: number) => number>;
const points = 20_000;

/** Functions of Math, where they are good to `slack` ulp. */
const oracles: [name: string, oracle: (x: number) => number, low: number, high: number, slack: number][] = [
  ["exp", Math.exp, -750, 715, 1],
  ["expm1", Math.expm1, -45, 715, 1],
  ["log", Math.log, 0, 3, 1],
  ["log2", Math.log2, 0, 3, 1.5],
  ["log10", Math.log10, 0, 3, 1.5],
  ["log1p", Math.log1p, -1, 3, 1],
  ["sin", Math.sin, -100, 100, 1],
  ["cos", Math.cos, -100, 100, 1],
  ["tan", Math.tan, -100, 100, 1],
  ["asin", Math.asin, -1, 1, 1],
  ["acos", Math.acos, -1, 1, 1],
  ["atan", Math.atan, -10, 10, 1],
  ["sinh", Math.sinh, -712, 712, 2],
  ["cosh", Math.cosh, -712, 712, 2],
  ["tanh", Math.tanh, -22, 22, 2],
  ["asinh", Math.asinh, -10, 10, 2],
  ["acosh", Math.acosh, 1, 10, 2],
  ["atanh", Math.atanh, -1, 1, 2],
  ["cbrt", Math.cbrt, -10, 10, 1],
];

const bits = new DataView(new ArrayBuffer(8));

/** xorshift32: the same points on every machine. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

function ulpOf(y: number, fraction: number, minExponent: number): number {
  bits.setFloat64(0, Math.abs(y));
  const exponent = (bits.getUint32(0) >>> 20) - 1023;
  return 2 ** (Math.max(exponent, minExponent) - fraction);
}

test.each(oracles)("%s", (name, oracle, low, high, slack) => {
  const next = generator(name.length * 7919 + name.charCodeAt(0));
  const f64 = functions[`${name}64`];
  const f32 = functions[`${name}32`];
  const bound = ulpBounds[name];
  for (let i = 0; i < points; i++) {
    let x: number;
    if (i % 2 === 0) {
      x = low + ((high - low) * next()) / 2 ** 32;
    } else {
      bits.setUint32(0, next());
      bits.setUint32(4, next());
      x = bits.getFloat64(0);
    }
    const y = f64(x);
    const want = oracle(x);
    if (Number.isFinite(want)) {
      if (!(Math.abs(y - want) <= (bound.float64 + slack) * ulpOf(want, 52, -1022)))
        expect.fail(`${name}64(${x}) = ${y}, not ${want}`);
    } else if (!Object.is(y, want)) expect.fail(`${name}64(${x}) = ${y}, not ${want}`);

    const s = Math.fround(x);
    const got = f32(s);
    const exact = oracle(s);
    if (Math.abs(exact) < 3.4028234e38) {
      if (!(Math.abs(got - exact) <= bound.float32 * ulpOf(exact, 23, -126)) || Math.fround(got) !== got)
        expect.fail(`${name}32(${s}) = ${got}, not ${exact}`);
    } else if (!(Math.abs(exact) < 3.4028236e38) && !Object.is(got, Math.fround(exact)))
      expect.fail(`${name}32(${s}) = ${got}, not ${exact}`);
  }
});
