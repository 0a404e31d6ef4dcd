/** How exact a backend is, primitive by primitive: the numbers behind a yes of the conformance suite. */

import type { Backend } from "../backend/backend.js";
import type { DType } from "../dtype.js";
import { applied, budgets, operandsOf } from "./checks.js";
import type { Accuracy } from "./example.js";
import { elements, shareOfBudget } from "./measure.js";
import { situationsOf, type Situation } from "./situation.js";
import { table } from "./table.js";

/** What was found of one primitive. */
export interface PrimitiveAccuracy {
  readonly primitive: string;
  /** What the conformance suite asks of the CPU. */
  readonly promised: Accuracy;
  readonly supported: boolean;
  /**
   * Largest error of all examples, as a share of what is promised: at most 1 where the backend is as exact as the CPU must be. 0 is the exact
   * number rounded; infinite is a NaN, an infinity or an integer that is wrong. Only dtypes that the backend and the primitive have.
   */
  readonly errors: Partial<Record<DType, number>>;
}

/**
 * Measures the errors of a backend against the CPU in float64, on the examples of the conformance suite.
 *
 * @param dtypes - Of the operands.
 *
 * @example
 * const found = await accuracy(await gpujs({ mode: "webasm" }), ["float32"]);
 */
export async function accuracy(backend: Backend, dtypes: readonly DType[]): Promise<PrimitiveAccuracy[]> {
  const found: PrimitiveAccuracy[] = [];
  for (const entry of table) {
    const { primitive, accuracy: promised } = entry;
    const supported = backend.supports(primitive);
    const errors: Partial<Record<DType, number>> = {};
    for (const dtype of supported ? dtypes : []) {
      const situations = situationsOf(backend, entry, dtype, { tolerance: 1, sameBits: false });
      for (const situation of situations) {
        errors[dtype] = Math.max(errors[dtype] ?? 0, await shareOfPromise(situation));
      }
    }
    found.push({ primitive: primitive.name, promised, supported, errors });
  }
  return found;
}

/** The largest error of the elements of an example, divided by what each may have. */
async function shareOfPromise(situation: Situation): Promise<number> {
  const got = applied(situation)(operandsOf(situation, "value"));
  const references = operandsOf(situation, "value", true);
  const expected = applied(situation)(references);
  const allowed = await budgets(situation, expected, references);
  let worst = 0;
  for (const [k, y] of got.entries()) {
    const [values, exact] = [await elements([y]), await elements([expected[k]])];
    values.forEach((value, i) => {
      worst = Math.max(worst, shareOfBudget(value, exact[i], y.dtype, allowed[k](i)));
    });
  }
  return worst;
}
