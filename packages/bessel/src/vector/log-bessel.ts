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
import { byFraction, byTemme, type Orders } from "./small-order.js";

/**
 * Arguments up to which the formulas below the ladder are used, ascending; the last reaches to the ladder. Those below ½ of K are as far as
 * Temme's series goes with 3, 4, 5 and 7 terms.
 */
const below = { I: [0.05, 0.5, 2, 5, 10, 18, 28], K: [0.019, 0.065, 0.154, 0.47, 1, 2, 5, 11, 28] };
/** Whole orders that share a formula: what it does once for every order is less for few, and K_0 needs half of what the others do. */
const belowOrders = {
  I: [{ least: 0, most: 4 }, { least: 5, most: 18 }],
  K: [{ least: 0, most: 0 }, { least: 1, most: 1 }, { least: 2, most: 4 }, { least: 5, most: 9 }, { least: 10, most: 18 }],
}; // prettier-ignore
/** Orders from which large ones have a formula of their own, for arguments up to x; the first that holds. */
const largeOrders = {
  I: [{ v: 9, x: 0.5 }, { v: 9, x: 2 }],
  K: [{ v: 9, x: 0.5 }, { v: 18, x: 2 }],
}; // prettier-ignore

/** The kernel of log I or log K, unscaled or scaled. */
function logBessel(kind: "I" | "K", scaled: boolean): ArrayKernel {
  const table = scaled ? scaledLadder : ladder;
  return bucketKernel(() => regionsOf(kind, scaled, table), 50);
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
  const groups = belowOrders[kind].map((orders) => ({ orders, bands: bandsOf(kind, orders.least) }));
  const regions: readonly Region[] = [
    ...hankels.map(({ terms }) => ({ formula: shifted(hankel(terms, sign > 0 ? -1 : 1)), vectors: 3 })),
    ...[plain, special].flatMap((exponent) =>
      debyes.map(({ terms }) => ({ formula: debye(terms, sign, exponent), vectors: terms < 9 ? 3 : 2 })),
    ),
    ...groups.flatMap(({ orders, bands }) => bands.map((band) => belowLadder(kind, orders, band, scaled))),
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
    // K's orders are rounded, I's rounded down; bands that a group lacks are the first ones.
    const most = groups.map(({ orders }) => orders.most + (kind === "K" ? 0.5 : 0));
    const inGroup = groups.slice(1).map(({ bands }, i) => and(beyond(v, most[i]), integer(bands.length)));
    const band = inGroup.reduce((sum, offset) => integerAdd(sum, offset), under);
    let region = select(onDebye[onDebye.length - 1], rung, band);
    // x that is the last of its band, or is rounded to it, included: the formulas below know of no orders beyond.
    const large = largeOrders[kind];
    for (let i = large.length - 1; i >= 0; i--) {
      const holds = and(
        and(beyond(v, large[i].v), less(v, constant(largestOrder))),
        lessEqual(x, constant(large[i].x)),
      );
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

/** Bands of arguments in which there are orders from `least` on: those for which large orders have no formula of their own. */
function bandsOf(kind: "I" | "K", least: number): readonly Band[] {
  const bands = below[kind].map((largest, i, edges): Band => ({ smallest: edges[i - 1] ?? 0, largest }));
  return bands.filter(({ largest }) => !largeOrders[kind].some(({ v, x }) => v < least && largest <= x));
}

interface Band {
  readonly smallest: number;
  readonly largest: number;
}

function belowLadder(kind: "I" | "K", orders: Orders, { smallest, largest }: Band, scaled: boolean): Region {
  if (kind === "K") {
    const formula = largest > 0.5 ? byFraction(orders, smallest, largest, scaled) : byTemme(orders, largest, scaled);
    return { formula, vectors: 2 };
  }
  const taken = largeOrders.I.filter(({ x }) => largest <= x).map(({ v }) => v);
  return { formula: series(Math.min(orders.most, ...taken), largest, scaled), vectors: orders.most > 4 ? 1 : 2 };
}

/** By the names of the functions. */
export const vectorKernels: Readonly<Record<string, ArrayKernel>> = /* @__PURE__ */ (() => ({
  logIv: logBessel("I", false),
  logIve: logBessel("I", true),
  logKv: logBessel("K", false),
  logKve: logBessel("K", true),
}))();
