/** What the tests of the special functions share: errors against reference values, and what every function of tensors must do. */

import { DTypeError, grad, jit, tensor, vmap, type Tensor } from "@curv/tensor";
import { expect } from "vitest";

export const f64 = (values: number | number[]): Tensor => tensor(values, { dtype: "float64" });

/** The largest |f(x…) − wanted| relative to `scale`, by default to |wanted|, of rows [x…, wanted]. NaN where one is not a number. */
export function worst(
  rows: readonly (readonly number[])[],
  f: (...operands: never[]) => number,
  scale: (...row: never[]) => number = (...row: number[]) => Math.abs(row[row.length - 1]),
): number {
  let most = 0;
  for (const row of rows) {
    const wanted = row[row.length - 1];
    const got = f(...(row.slice(0, -1) as never[]));
    const error = got === wanted ? 0 : Math.abs(got - wanted) / (scale as (...r: readonly number[]) => number)(...row);
    if (!(error <= most)) most = error;
    if (most !== most) return NaN;
  }
  return most;
}

/**
 * One row of numbers for each operand: f of tensors gives what f gives of numbers, bit for bit, eager, jitted and batched; a scalar broadcasts;
 * float32 stays, other types are refused; and the first two derivatives in the operands named agree with differences.
 */
export function behavesAsTensorFunction(
  ofEither: (...operands: never[]) => unknown,
  operands: readonly (readonly number[])[],
  { derivatives = operands.map((_, i) => i), digits = 5 }: { derivatives?: readonly number[]; digits?: number } = {},
): void {
  const f = ofEither as (...operands: (number | Tensor)[]) => unknown;
  const rows = operands[0].map((_, j) => operands.map((x) => x[j]));
  const wanted = Float64Array.from(rows, (row) => f(...row) as number);
  const tensors = operands.map((x) => f64([...x]));
  const call = (...xs: Tensor[]): Tensor => f(...xs) as Tensor;
  expect(call(...tensors).dataSync()).toEqual(wanted);
  expect(jit(call)(...tensors).dataSync()).toEqual(wanted);
  expect(vmap(call)(...tensors).dataSync()).toEqual(wanted);
  expect(vmap((x: Tensor) => f(x, ...rows[0].slice(1)) as Tensor)(tensors[0]).dataSync()[0]).toEqual(wanted[0]);
  const column = tensors[0].expandDims(1);
  if (operands.length > 1) expect(call(column, ...tensors.slice(1)).shape).toEqual([rows.length, rows.length]);
  const small = call(...tensors.map((t) => t.cast("float32")));
  expect(small.dtype).toBe("float32");
  for (const [j, y] of small.dataSync().entries()) expect(Math.abs(y / wanted[j] - 1)).toBeLessThan(1e-4);
  expect(() => call(...tensors.map((t) => t.cast("int32")))).toThrow(DTypeError);

  for (const i of derivatives) {
    for (const row of rows) {
      const along = (t: number): number[] => row.map((x, k) => (k === i ? t : x));
      const of = (t: Tensor): Tensor => f(...row.map((x, k) => (k === i ? t : x))) as Tensor;
      const slope = (t: number): number => grad(of)(f64(t)).itemSync();
      const bend = (t: number): number => grad((s: Tensor) => grad(of)(s))(f64(t)).itemSync();
      const x = row[i];
      const h = 1e-5 * Math.max(1e-3, Math.abs(x));
      const close = (got: number, high: number, low: number): void => {
        const difference = (high - low) / (x + h - (x - h));
        const noise = (1e-14 * Math.max(Math.abs(high), Math.abs(low))) / h;
        expect(Math.abs(got - difference)).toBeLessThan(10 ** -digits * Math.abs(got) + noise + 1e-8);
      };
      close(slope(x), f(...along(x + h)) as number, f(...along(x - h)) as number);
      close(bend(x), slope(x + h), slope(x - h));
    }
  }
}
