/** log I_v(x), log K_v(x) and their scaled forms on arrays: regions of the plane, and the formula of each. */

import { and, lanes64, not, or, select, type ArrayKernel, type Expression } from "@curv/tensor/kernels";
import { ladder, scaledLadder, type Rung } from "../scalar/ladder.js";
import { add, constant, mul, sub } from "./arithmetic.js";
import { bucketKernel, type Regions } from "./buckets.js";
import { debye, exponent, exponentAboutRoot, scaledExponent, scaledExponentSmall } from "./debye.js";
import { hankel } from "./hankel.js";
import type { Formula } from "./interleave.js";
import { series } from "./series.js";
import { byFraction, byTemme } from "./small-order.js";

const { integer, integerAdd, integerSub, less, lessEqual } = lanes64;

/** Arguments up to which the formulas below the ladder are used, ascending; the last reaches to the ladder. */
const below = { I: [0.5, 2, 10, 28], K: [0.1, 1, 2, 5, 28] };

/** The kernel of log I or log K, unscaled or scaled. */
function logBessel(kind: "I" | "K", scaled: boolean): ArrayKernel {
  const table = scaled ? scaledLadder : ladder;
  const count = 2 * 4 + 2 + below[kind].length;
  return bucketKernel(() => regions(kind, scaled, table), 50, count);
}

function regions(kind: "I" | "K", scaled: boolean, table: readonly Rung[]): Regions {
  const sign = kind === "I" ? 1 : -1;
  const hankels = table.filter((rung) => rung.expansion === "hankel");
  const debyes = table.filter((rung) => rung.expansion === "debye");
  const shifted = (formula: Formula): Formula =>
    scaled ? formula : (v, x) => (sign > 0 ? add(formula(v, x), x) : sub(formula(v, x), x));
  const [plain, special] = scaled ? [scaledExponent, scaledExponentSmall] : [exponent, exponentAboutRoot];
  const formulas = [
    ...hankels.map(({ terms }) => shifted(hankel(terms, sign > 0 ? -1 : 1))),
    ...debyes.map(({ terms }) => debye(terms, sign, plain)),
    ...debyes.map(({ terms }) => debye(terms, sign, special)),
    ...below[kind].map((largest, i, edges) => {
      if (kind === "I") return series(largest, scaled);
      return largest <= 1 ? byTemme(largest, scaled) : byFraction(edges[i - 1], largest, scaled);
    }),
  ];
  const absolute = (v: Expression): Expression => lanes64.abs(v);
  const region: Formula = (order, x) => {
    const v = kind === "I" ? order : absolute(order);
    const beyond = (of: Expression, at: number): Expression => less(constant(at), of);
    /** first + how many of the masks are set. */
    const counted = (first: number, masks: readonly Expression[]): Expression =>
      masks.reduce((sum, mask) => integerSub(sum, mask), integer(first));
    const onDebye = debyes.map((rung) => or(beyond(x, rung.x), beyond(v, rung.v)));
    const isSpecial = scaled ? less(v, mul(constant(0.615), x)) : and(less(x, v), less(v, mul(constant(3), x)));
    // Of the nested regions the first that holds: as many masks are not set as come before it.
    const rung = integerAdd(
      counted(hankels.length + 1, onDebye.slice(0, -1).map(not)),
      and(isSpecial, integer(debyes.length)),
    );
    const under = counted(hankels.length + 2 * debyes.length + 1, below[kind].slice(0, -1).map((edge) => beyond(x, edge))); // prettier-ignore
    let index = select(onDebye[onDebye.length - 1], rung, under);
    for (let i = hankels.length - 1; i >= 0; i--) {
      const { x: least, v: most, slope } = hankels[i];
      let holds = and(beyond(x, least), less(v, constant(most)));
      if (slope < Infinity) holds = and(holds, less(mul(v, v), mul(constant(slope), x)));
      index = select(holds, integer(i + 1), index);
    }
    // Below 1e-6 the recurrence of K might overflow.
    const ordinary = and(
      and(lessEqual(constant(0), v), less(v, constant(1e100))),
      and(less(constant(kind === "I" ? 1e-100 : 1e-6), x), less(x, constant(1e100))),
    );
    return and(ordinary, index);
  };
  return { region, formulas, ...(kind === "K" && { order: absolute }) };
}

/** By the names of the functions. */
export const vectorKernels: Readonly<Record<string, ArrayKernel>> = /* @__PURE__ */ (() => ({
  logIv: logBessel("I", false),
  logIve: logBessel("I", true),
  logKv: logBessel("K", false),
  logKve: logBessel("K", true),
}))();
