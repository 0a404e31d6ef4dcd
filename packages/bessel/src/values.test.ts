/** The functions themselves, against mpmath (fixtures/bessel_values.py): positive and negative orders, derivatives in both, the ends of the range. */

import { DomainError, grad, tensor, type Tensor } from "@curv/tensor";
import { expect, test } from "vitest";
import values from "./fixtures/bessel-values.json" with { type: "json" };
import { besselI, besselK } from "./index.js";

const f64 = (x: number): Tensor => tensor(x, { dtype: "float64" });

/** v, x, I, K, I e^(−x), ∂I/∂v, ∂I/∂x. */
const rows = [
  [0, 1, 1.2660658777520084, 0.42102443824070834, 0.46575960759364043, -0.42102443824070834, 0.565159103992485],
  [2.5, 3, 1.5153394466819652, 0.08406063197411738, 0.07544430863247611, -1.2911854433404761, 1.8367005844906648],
  [-2.5, 3, 1.5688541070744029, 0.08406063197411738, 0.07810864668811743, 1.25439843910107, 1.7615252282250977],
  [-0.3, 0.7, 1.2470498773456529, 0.6895624897569751, 0.6192666421847309, -0.06530782059807698, 0.032238097258178416],
  [-3, 2, 0.21273995923985264, 0.6473853909486341, 0.028791222639470898, 1.5744380828768152, 0.36983850883895925],
  [-7.75, 40, 6980266102641605, 1.758173104489921e-18, 0.029654643200225095, 1360829760354704.5, 7025548768969368],
  [100, 30, 3.947642005333428e-40, 1.2131584253026668e37, 3.6940545501866373e-53, -7.593213530621256e-40, 1.3732811311639851e-39],
  [-12.25, 0.5, 391465264040344.56, 869617171243253.2, 237435684852970.4, -2737334592610097, -9599593487703820],
]; // prettier-ignore

const columns = [
  ["I", besselI, false],
  ["K", besselK, false],
  ["I e^(−x)", besselI, true],
  ["K e^x", besselK, true],
] as const;

test.each(columns)("%s to 2e-15, relative, over the range of float64", (_, f, scaled) => {
  const column = 2 + columns.findIndex(([, g, s]) => g === f && s === scaled);
  const known = values.filter((row) => row[column] !== null);
  expect(known.length).toBeGreaterThan(250);
  const [v, x] = [0, 1].map((c) => tensor(Float64Array.from(known, (row) => row[c]!)));
  const of = f(v, x, { scaled }).dataSync();
  known.forEach(([order, at, ...wanted], i) => {
    const got = f(order!, at!, { scaled });
    expect(Math.abs(got / wanted[column - 2]! - 1), `v = ${order}, x = ${at}`).toBeLessThan(2e-15);
    expect(of[i]).toBe(got);
  });
  // By way of the logarithm the digits in front of its point are lost.
  const low = f(v.cast("float32"), x.cast("float32"), { scaled });
  expect(low.dataSync()).toEqual(
    Float32Array.from(known, ([order, at]) => f(Math.fround(order!), Math.fround(at!), { scaled })),
  );
});

test.each(rows)("v = %d, x = %d", (v, x, i, k, scaled, inV, inX) => {
  const close = (got: number, wanted: number, bound = 2e-15): void =>
    expect(Math.abs(got / wanted - 1)).toBeLessThan(bound);
  close(besselI(v, x), i);
  close(besselK(v, x), k);
  close(besselI(v, x, { scaled: true }), scaled);
  close(besselK(v, x, { scaled: true }), k * Math.exp(x));
  close(besselI(f64(v), x).itemSync(), i);
  close(besselK(v, f64(x)).itemSync(), k);
  close(grad((o: Tensor) => besselI(o, x))(f64(v)).itemSync(), inV, 2e-14);
  close(grad((t: Tensor) => besselI(v, t))(f64(x)).itemSync(), inX, 5e-15);
  const h = 1e-6;
  const slope = grad((o: Tensor) => besselK(o, x))(f64(v)).itemSync();
  expect(slope / k).toBeCloseTo((besselK(v + h, x) - besselK(v - h, x)) / (2 * h) / k, 6);
});

test("overflow is Infinity, underflow 0; whole negative orders where K overflows", () => {
  expect(besselI(0, 800)).toBe(Infinity);
  expect(besselK(0, 800)).toBe(0);
  expect(besselK(300, 1e-3)).toBe(Infinity);
  expect(besselI(300, 1e-3)).toBe(0);
  expect(besselI(-300, 1e-3)).toBe(0);
  expect(besselI(-300.5, 1e-3)).toBe(Infinity);
  expect(besselI(-301.5, 1e-3)).toBe(-Infinity);
  expect(besselI(0, 800, { scaled: true })).toBeCloseTo(1 / Math.sqrt(1600 * Math.PI), 4);
  expect(() => besselI(1, -1)).toThrow(DomainError);
  expect(() => besselK(1, -1)).toThrow(DomainError);
});
