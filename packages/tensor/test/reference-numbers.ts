/** How the reference numbers of theme-tensor-core §9 are written and compared. */

import { describe, expect, test } from "vitest";
import { grad, tensor, type FloatDType, type Tensor } from "@curv/tensor";

/** Makes the tensors of a row in the dtype under test. */
export type Make = (
  data: number | readonly number[] | readonly (readonly number[])[],
  shape?: readonly number[],
) => Tensor;

export interface Row {
  readonly name: string;
  /** As printed: a number counts to half a unit of its last digit, and to the relative tolerance. */
  readonly wanted: readonly string[];
  readonly compute: (make: Make) => readonly (Tensor | number)[];
  /** Relative tolerance in float64. Default 1e-12. */
  readonly tolerance?: number;
  /** Relative tolerance in float32, null where the number does not exist there. Default 2e-5. */
  readonly float32?: number | null;
}

/** f, f′, f″ (and so on) of a function of one number. */
export function derivatives(f: (t: Tensor) => Tensor, at: Tensor, orders = 2): Tensor[] {
  const values: Tensor[] = [];
  let current = f;
  for (let order = 0; order <= orders; order++) {
    values.push(current(at));
    current = grad(current);
  }
  return values;
}

/** sin or cos of 1², 2², 3², …: test matrices without hidden rank. */
export function ofSquares(make: Make, f: (x: number) => number, shape: readonly number[]): Tensor {
  return make(
    Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, k) => f((k + 1) ** 2)),
    shape,
  );
}

/** f(1), f(2), f(3), …. */
export function ofCounting(make: Make, f: (k: number) => number, shape: readonly number[]): Tensor {
  return make(
    Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, k) => f(k + 1)),
    shape,
  );
}

function halfUnit(printed: string): number {
  const [mantissa, exponent = "0"] = printed.split("e");
  const decimals = mantissa.split(".")[1]?.length ?? 0;
  return 0.5 * 10 ** (Number(exponent) - decimals);
}

/** One test a row and dtype. */
export function describeRows(rows: readonly Row[]): void {
  describe.each<FloatDType>(["float64", "float32"])("%s", (dtype) => {
    test.each(rows.filter(({ float32 }) => dtype === "float64" || float32 !== null))(
      "$name",
      ({ compute, wanted, tolerance = 1e-12, float32 }) => {
        const make: Make = (data, shape) => tensor(data as never, { dtype, ...(shape && { shape }) });
        const got = compute(make).flatMap((x) => (typeof x === "number" ? [x] : Array.from(x.dataSync())));
        expect(got.length).toBe(wanted.length);
        got.forEach((value, i) => {
          const reference = Number(wanted[i]);
          const relative = dtype === "float64" ? tolerance : (float32 ?? 2e-5);
          // In float32 a zero is one relative to the other numbers of the row.
          const size =
            Math.abs(reference) || (dtype === "float64" ? 0 : Math.max(...wanted.map((w) => Math.abs(Number(w)))));
          const allowed = Math.max(relative * size, Number.isInteger(reference) ? 0 : halfUnit(wanted[i]));
          expect(Math.abs(value - reference), `number ${i} is ${value}, wanted ${wanted[i]}`).toBeLessThanOrEqual(
            allowed,
          );
        });
      },
    );
  });
}
