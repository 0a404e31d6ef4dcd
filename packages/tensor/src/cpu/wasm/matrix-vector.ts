/**
 * Matrix times vector, where packing would cost as much as the product: c_i = Σ_p M[i, p] v_p, summed over p in order, as in a product of
 * matrices, so that the bits are the same.
 */

import { FunctionBody, i32, op, v128 } from "./module.js";
import type { MatmulUpdate } from "./matmul.js";

/** Rows at a time where a row's elements are not beside those of the next. */
const rowsAtOnce = 8;
/** Columns at a time where they are. */
const columnsAtOnce = 8;

/** matrixVector(count, k, M, from row to row, from column to column, v, its stride, c, its stride): addresses and strides in bytes. */
export function emitMatrixVector(bits: 32 | 64, update: MatmulUpdate): FunctionBody {
  const [count, k, matrix, rowStride, columnStride, v, vStride, c, cStride] = [0, 1, 2, 3, 4, 5, 6, 7, 8];
  const body = new FunctionBody(new Array<number>(9).fill(i32));
  const size = bits / 8;
  const lanes = 16 / size;
  const mul = bits === 32 ? 0xe6 : 0xf2;
  const add = (bits === 32 ? 0xe4 : 0xf0) + (update === "subtract" ? 1 : 0);
  const [splat, loadZero, loadLane, storeLane] = bits === 32 ? [0x09, 0x5c, 0x56, 0x5a] : [0x0a, 0x5d, 0x57, 0x5b];
  const local = (): number => body.local();
  const [p, from, at, place, left, whole, column, start] = [
    local(), local(), local(), local(), local(), local(), local(), local(),
  ]; // prettier-ignore
  const factor = body.local(v128);
  const sums = Array.from({ length: rowsAtOnce / lanes }, () => body.local(v128));

  const zero = (sum: number): void => {
    body.simd(0x0c, ...new Array<number>(16).fill(0)).set(sum);
  };

  /**
   * Rows beside each other in memory, in whole vectors of them: `terms` columns of M at a time are streamed along their lengths, while the
   * sums wait in c. So memory is read in long runs, and c once for so many columns.
   */
  const beside = (terms: number): void => {
    const factors = Array.from({ length: terms }, () => body.local(v128));
    const columns = Array.from({ length: terms }, () => body.local());
    const vectors = (count: number): void => {
      const chosen = sums.slice(0, count);
      chosen.forEach((sum, i) =>
        body
          .get(place)
          .vectorAccess(0x00, 16 * i)
          .set(sum),
      );
      columns.forEach((column, t) => {
        body.get(column).get(at).emit(op.i32Add).set(from);
        chosen.forEach((sum, i) => {
          body
            .get(sum)
            .get(factors[t])
            .get(from)
            .vectorAccess(0x00, 16 * i)
            .simd(mul)
            .simd(add)
            .set(sum);
        });
      });
      chosen.forEach((sum, i) =>
        body
          .get(place)
          .get(sum)
          .vectorAccess(0x0b, 16 * i),
      );
      body.increment(at, 16 * count).increment(place, 16 * count);
    };
    body.get(left).int(terms).emit(op.i32GeS);
    body.when(() =>
      body.loop(() => {
        for (let t = 0; t < terms; t++) {
          body.get(v).vectorAccess(splat).set(factors[t]);
          body.get(v).get(vStride).emit(op.i32Add).set(v);
          body.get(column).set(columns[t]);
          body.get(column).get(columnStride).emit(op.i32Add).set(column);
        }
        body.get(c).set(place);
        body.int(0).set(at);
        for (const many of [2, 1]) {
          const more = (): FunctionBody =>
            body
              .get(at)
              .int(16 * many)
              .emit(op.i32Add)
              .get(whole)
              .emit(op.i32GtS, op.i32Eqz);
          more().when(() =>
            body.loop(() => {
              vectors(many);
              more();
            }),
          );
        }
        body.increment(left, -terms).get(left).int(terms).emit(op.i32GeS);
      }),
    );
  };

  /** Rows apart from each other: lane by lane. Beyond the last row that row stands again, and is computed and stored again. */
  const apart = (): void => {
    const rows = Array.from({ length: rowsAtOnce }, () => body.local());
    const places = Array.from({ length: rowsAtOnce }, () => body.local());
    const gather = (addresses: readonly number[], vector: number): void => {
      // A lane's load takes the vector that it completes, after the address.
      const inner = (lane: number): void => {
        const address = addresses[vector * lanes + lane];
        body.get(address);
        if (lane === 0) body.vectorAccess(loadZero);
        else {
          inner(lane - 1);
          body.vectorAccess(loadLane, 0, lane);
        }
      };
      inner(lanes - 1);
    };
    body.get(count).int(0).emit(op.i32GtS);
    body.when(() =>
      body.loop(() => {
        for (let i = 0; i < rowsAtOnce; i++) {
          body.get(count).int(i).emit(op.i32GtS);
          body.when(
            () => {
              body.get(matrix).get(rowStride).int(i).emit(op.i32Mul, op.i32Add).set(rows[i]);
              body.get(c).get(cStride).int(i).emit(op.i32Mul, op.i32Add).set(places[i]);
            },
            () => {
              body.get(rows[Math.max(0, i - 1)]).set(rows[i]);
              body.get(places[Math.max(0, i - 1)]).set(places[i]);
            },
          );
        }
        for (const [vector, sum] of sums.entries()) {
          if (update === "store") zero(sum);
          else {
            gather(places, vector);
            body.set(sum);
          }
        }
        body.get(v).set(from);
        body.int(0).set(p);
        body.countUp(
          p,
          () => body.get(k),
          1,
          () => {
            body.get(from).vectorAccess(splat).set(factor);
            sums.forEach((sum, vector) => {
              body.get(sum).get(factor);
              gather(rows, vector);
              body.simd(mul).simd(add).set(sum);
            });
            body.get(from).get(vStride).emit(op.i32Add).set(from);
            for (const row of rows) body.get(row).get(columnStride).emit(op.i32Add).set(row);
          },
        );
        for (const [i, place] of places.entries()) {
          body
            .get(place)
            .get(sums[Math.floor(i / lanes)])
            .vectorAccess(storeLane, 0, i % lanes);
        }
        body.get(matrix).get(rowStride).int(rowsAtOnce).emit(op.i32Mul, op.i32Add).set(matrix);
        body.get(c).get(cStride).int(rowsAtOnce).emit(op.i32Mul, op.i32Add).set(c);
        body.increment(count, -rowsAtOnce).get(count).int(0).emit(op.i32GtS);
      }),
    );
  };

  body.get(rowStride).int(size).emit(op.i32Ne, op.i32Eqz);
  body.get(cStride).int(size).emit(op.i32Ne, op.i32Eqz, op.i32And);
  body.when(() => {
    // What is left after whole vectors are the rows of `apart`.
    body.get(count).int(-lanes).emit(op.i32And).int(size).emit(op.i32Mul).set(whole);
    body.get(v).set(start);
    body.get(k).set(left);
    body.get(matrix).set(column);
    if (update === "store") body.get(c).int(0).get(whole).fillMemory();
    beside(columnsAtOnce);
    beside(1);
    body.get(start).set(v);
    body.get(matrix).get(whole).emit(op.i32Add).set(matrix);
    body.get(c).get(whole).emit(op.i32Add).set(c);
    body
      .get(count)
      .int(lanes - 1)
      .emit(op.i32And)
      .set(count);
  });
  apart();
  return body;
}
