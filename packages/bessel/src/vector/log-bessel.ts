/** log I_v(x), log K_v(x) and their scaled forms on arrays: regions of the plane, and the formula of each. */

import { and, lanes32, lanes64, or, select, type ArrayKernel, type Expression } from "@curv/tensor/kernels";
import { ladder, scaledLadder, type Rung } from "../scalar/ladder.js";
import { add, sub } from "./arithmetic.js";
import { bucketKernel, type Region, type Regions } from "./buckets.js";
import { debye, exponent, exponentAboutRoot, scaledExponent, scaledExponentSmall } from "./debye.js";
import { hankel } from "./hankel.js";
import type { Formula } from "./interleave.js";
import { largeOrder, largestOrder } from "./large-order.js";
import { series } from "./series.js";
import { byFraction, byTemme } from "./small-order.js";

/** Arguments up to which the formulas below the ladder are used, ascending; the last reaches to the ladder. */
const below = { I: [0.05, 0.5, 2, 5, 10, 18, 28], K: [0.015, 0.08, 0.5, 1, 2, 5, 11, 28] };
/** Orders up to which they are: what they do once for every whole order is less for low ones. */
const belowOrders = [4, 18];
/** Orders from which large ones have a formula of their own, for arguments up to x; the first that holds. */
const largeOrders = {
  I: [{ v: 9, x: 0.5 }, { v: 9, x: 2 }],
  K: [{ v: 9, x: 0.5 }, { v: 18, x: 2 }],
}; // prettier-ignore

/** The kernel of log I or log K, unscaled or scaled. */
function logBessel(kind: "I" | "K", scaled: boolean): ArrayKernel {
  const table = scaled ? scaledLadder : ladder;
  const count = 2 * 4 + 3 + belowOrders.length * below[kind].length + largeOrders[kind].length;
  return bucketKernel(() => regionsOf(kind, scaled, table), 50, count);
}

function regionsOf(kind: "I" | "K", scaled: boolean, table: readonly Rung[]): Regions {
  const sign = kind === "I" ? 1 : -1;
  const [mu3, mu20] = table.filter((rung) => rung.expansion === "hankel");
  const hankels = [mu3, { ...mu20, terms: 10, x: 200, slope: 0.1 }, mu20]; // fewer terms where v² < x/10
  const debyes = table.filter((rung) => rung.expansion === "debye");
  const shifted = (formula: Formula): Formula =>
    scaled ? formula : (v, x) => (sign > 0 ? add(formula(v, x), x) : sub(formula(v, x), x));
  const [plain, special] = scaled ? [scaledExponent, scaledExponentSmall] : [exponent, exponentAboutRoot];
  const even = (formula: Formula): Formula => (kind === "I" ? formula : (v, x) => formula(lanes64.abs(v), x));
  const regions: readonly Region[] = [
    ...hankels.map(({ terms }) => ({ formula: shifted(hankel(terms, sign > 0 ? -1 : 1)), vectors: 3 })),
    ...[plain, special].flatMap((exponent) =>
      debyes.map(({ terms }) => ({ formula: debye(terms, sign, exponent), vectors: terms < 9 ? 3 : 2 })),
    ),
    ...belowOrders.flatMap((most) =>
      below[kind].map((largest, i, edges): Region => {
        const taken = largeOrders[kind].filter(({ x }) => largest <= x).map(({ v }) => v);
        const orders = Math.min(most, ...taken);
        if (kind === "I") return { formula: series(orders, largest, scaled), vectors: orders > 4 ? 1 : 2 };
        const formula =
          largest > 0.5 ? byFraction(orders, edges[i - 1], largest, scaled) : byTemme(orders, largest, scaled);
        return { formula, vectors: 2 };
      }),
    ),
    ...largeOrders[kind].map(({ v, x }) => ({ formula: largeOrder(kind, v, x, scaled), vectors: 2 })),
  ];
  // In float32, four points at a time: where exactly one formula takes over from another does not matter.
  const { constant, integer, integerAdd, integerSub, less, lessEqual, mul } = lanes32;
  const index: Formula = (order, x) => {
    const v = kind === "I" ? order : lanes32.abs(order);
    const beyond = (of: Expression, at: number): Expression => less(constant(at), of);
    const onDebye = debyes.map((rung) => or(beyond(x, rung.x), beyond(v, rung.v)));
    const isSpecial = scaled ? less(v, mul(constant(0.615), x)) : and(less(x, v), less(v, mul(constant(3), x)));
    // Of the nested regions the first that holds: the more hold, the earlier it comes.
    const last = hankels.length + debyes.length;
    const rung = integerAdd(
      onDebye.slice(0, -1).reduce((sum, mask) => integerAdd(sum, mask), integer(last)),
      and(isSpecial, integer(debyes.length)),
    );
    const edges = below[kind].slice(0, -1);
    // A mask that is set is −1.
    const under = edges.reduce((sum, edge) => integerSub(sum, beyond(x, edge)), integer(last + debyes.length + 1));
    const highOrder = and(beyond(v, belowOrders[0]), integer(below[kind].length));
    let region = select(onDebye[onDebye.length - 1], rung, integerAdd(under, highOrder));
    const large = largeOrders[kind];
    for (let i = large.length - 1; i >= 0; i--) {
      const holds = and(and(beyond(v, large[i].v), less(v, constant(largestOrder))), less(x, constant(large[i].x)));
      region = select(holds, integer(regions.length - large.length + 1 + i), region);
    }
    const v2 = mul(v, v);
    for (let i = hankels.length - 1; i >= 0; i--) {
      const { x: least, v: most, slope } = hankels[i];
      let holds = and(beyond(x, least), less(v, constant(most)));
      if (slope < Infinity) holds = and(holds, less(v2, mul(constant(slope), x)));
      region = select(holds, integer(i + 1), region);
    }
    // Below 1e-6 the recurrence of K might overflow.
    const ordinary = and(
      and(lessEqual(constant(0), v), less(v, constant(1e36))),
      and(less(constant(kind === "I" ? 1e-36 : 1e-6), x), less(x, constant(1e36))),
    );
    return and(ordinary, region);
  };
  return { index, regions: regions.map(({ formula, vectors }) => ({ formula: even(formula), vectors })) };
}

/** By the names of the functions. */
export const vectorKernels: Readonly<Record<string, ArrayKernel>> = /* @__PURE__ */ (() => ({
  logIv: logBessel("I", false),
  logIve: logBessel("I", true),
  logKv: logBessel("K", false),
  logKve: logBessel("K", true),
}))();
