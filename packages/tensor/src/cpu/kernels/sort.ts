/** Stable argsort of one row. */

import type { TypedArray } from "../../dtype.js";

/**
 * Order of the elements: ascending with NaN last, or descending with NaN first. A bottom-up merge sort of (key, index) pairs; equal keys,
 * and all NaN, keep their order.
 */
export function argSortRow(row: TypedArray, descending: boolean): Int32Array {
  const n = row.length;
  // Keys ascend in the wanted order; NaN is beyond every number at its end.
  let keys = new Float64Array(n);
  let order = new Int32Array(n);
  for (let i = 0; i < n; i++) {
    const v = row[i];
    keys[i] = v !== v ? NaN : descending ? -v : v;
    order[i] = i;
  }
  const before = descending ? nanFirst : nanLast;
  let otherKeys = new Float64Array(n);
  let otherOrder = new Int32Array(n);
  for (let width = 1; width < n; width *= 2) {
    for (let start = 0; start < n; start += 2 * width) {
      const middle = Math.min(start + width, n);
      const end = Math.min(start + 2 * width, n);
      let a = start;
      let b = middle;
      for (let o = start; o < end; o++) {
        // Take the right one only if it is strictly before the left: that is what makes the sort stable.
        const right = a >= middle || (b < end && before(keys[b], keys[a]));
        const from = right ? b++ : a++;
        otherKeys[o] = keys[from];
        otherOrder[o] = order[from];
      }
    }
    [keys, otherKeys] = [otherKeys, keys];
    [order, otherOrder] = [otherOrder, order];
  }
  return order;
}

function nanLast(p: number, q: number): boolean {
  return p < q || (q !== q && p === p);
}

function nanFirst(p: number, q: number): boolean {
  return p < q || (p !== p && q === q);
}
