/**
 * Kernels of the matrix factorisations, float64: products added to a matrix, matrix-vector products, substitution in a triangle and
 * plane rotations.
 *
 * Each does the same operations in the same order as the portable function of the same purpose in ../linalg, so the bits are the same.
 */

import { addMatmuls, allocateWorkSpace, type MatmulFunction } from "./matmul.js";
import { kernelMemory } from "./memory.js";
import { f64, FunctionBody, i32, ModuleBuilder, op, v128 } from "./module.js";
import { emitSharedUpdate, jobBytes, type SharedUpdates } from "./shared-update.js";

/** All addresses and steps are in bytes. */
export interface FactorisationKernels {
  /** C ← C + AB. */
  readonly add: MatmulFunction;
  /** C ← C − AB. */
  readonly subtract: MatmulFunction;
  /** rowDots(rows, columns, a, aRow, x, y): y ← Ax. */
  readonly rowDots: (rows: number, columns: number, a: number, aRow: number, x: number, y: number) => void;
  /** addRows(rows, columns, alpha, a, aRow, x, xStep, y): y ← y + αAᵀx. */
  readonly addRows: (
    rows: number, columns: number, alpha: number, a: number, aRow: number, x: number, xStep: number, y: number,
  ) => void; // prettier-ignore
  /** symmetricRows(columns, a, aRow, x, xRows, y, yRows): for four rows A of a symmetric matrix y ← y + Aᵀ xRows, yRows ← yRows + Ax. */
  readonly symmetricRows: (
    columns: number, a: number, aRow: number, x: number, xRows: number, y: number, yRows: number,
  ) => void; // prettier-ignore
  /**
   * substitute(n, columns, t, b, bRow, bColumn, unit, panel): B ← T⁻¹B for a lower triangle T of at most 64 rows, packed with 64 a row.
   */
  readonly substitute: (
    n: number, columns: number, t: number, b: number, bRow: number, bColumn: number, unit: number, panel: number,
  ) => void; // prettier-ignore
  /**
   * rotate(rows, low, high, z, zRow, c, s, sweeps, count, panel): sweeps of rotations on columns of Z, of which `low` … `high` are met. A
   * sweep is three int32: its first column, its number of rotations, and the step.
   */
  readonly rotate: (
    rows: number, low: number, high: number, z: number, zRow: number, c: number, s: number, sweeps: number, count: number, panel: number,
  ) => void; // prettier-ignore
  /** `add` and `subtract` as work for all threads. */
  readonly shared: SharedUpdates;
  /** Room for the packed panels of `add` and `subtract`. */
  readonly work: number;
  /** Room for the packed triangle of `substitute`, and for its panel behind it. */
  readonly triangle: number;
}

/** Largest order of the triangle in `substitute`. */
export const triangleOrder = 64;
/** Columns that `substitute` does at a time: four vectors. */
const panelWidth = 8;
/** Rows of Z that `rotate` does at a time: each is a chain of dependent operations, and fewer would not hide their latency. */
export const rotationRows = 8;
/** A shift by it is a product with their bytes. */
const rotationShift = 6;

let kernels: FactorisationKernels | null = null;

/** The compiled kernels. Only where `kernelMemory()` is not null. */
export function factorisationKernels(): FactorisationKernels {
  if (kernels !== null) return kernels;
  const memory = kernelMemory()!;
  const work = allocateWorkSpace();
  const module = new ModuleBuilder(memory.shared, work);
  const updates = addMatmuls(module, 64, { add: "add", subtract: "subtract" });
  updates.forEach((update, i) => module.add(emitSharedUpdate(update), `kernel${i}`));
  module.add(emitRowDots(), "rowDots");
  module.add(emitAddRows(), "addRows");
  module.add(emitSymmetricRows(), "symmetricRows");
  module.add(emitSubstitute(), "substitute");
  const sweep = module.add(emitSweep());
  module.add(emitRotate(sweep), "rotate");
  const triangleBytes = 8 * triangleOrder * (triangleOrder + panelWidth);
  const program = module.build(memory.memory);
  return (kernels = {
    ...(program.exports as unknown as Omit<FactorisationKernels, "shared" | "work" | "triangle">),
    shared: { program, exports: program.exports, size: 8, job: memory.allocate(jobBytes) },
    work,
    triangle: memory.allocate(triangleBytes),
  });
}

const vector = {
  load: 0x00,
  store: 0x0b,
  loadSplat: 0x0a,
  splat: 0x14,
  lane: 0x21,
  add: 0xf0,
  sub: 0xf1,
  mul: 0xf2,
  div: 0xf3,
} as const;

/** `step(offset)` for each pair of columns; two a round, each a block of its own, which V8 schedules better than one long block. */
function eachPair(body: FunctionBody, columns: number, pointers: readonly number[], step: (at: number) => void): void {
  const pairs = body.local();
  const next = (): FunctionBody => body.get(pairs).int(1).emit(op.i32Sub).tee(pairs).emit(op.i32Eqz, op.brIf, 1);
  body.get(columns).int(1).emit(op.i32ShrU).tee(pairs);
  body.when(() => {
    body.emit(op.block, 0x40, op.loop, 0x40);
    step(0);
    next();
    step(16);
    next();
    for (const pointer of pointers) body.increment(pointer, 32);
    body.emit(op.br, 0, op.end, op.end);
  });
  body.release(pairs);
}

/** Pointers to `count` rows, from `first` on. */
function setRows(body: FunctionBody, pointers: readonly number[], first: number, step: number): void {
  pointers.forEach((pointer, i) => {
    if (i === 0) body.get(first);
    else
      body
        .get(pointers[i - 1])
        .get(step)
        .emit(op.i32Add);
    body.set(pointer);
  });
}

/** Puts the address of the last column of a row on the stack. */
function lastColumn(body: FunctionBody, row: number, columns: number): FunctionBody {
  return body.get(row).get(columns).int(1).emit(op.i32Sub).int(3).emit(op.i32Shl, op.i32Add);
}

const isOdd = (body: FunctionBody, columns: number): FunctionBody => body.get(columns).int(1).emit(op.i32And);

/** Does `group(4)` for rows by fours, then `group(1)` for those that are left; both must advance their own pointers. */
function inFours(body: FunctionBody, rows: number, group: (count: number) => void): void {
  const i = body.local();
  body.int(0).set(i);
  body.countUp(
    i,
    () => body.get(rows).int(-4).emit(op.i32And),
    4,
    () => group(4),
  );
  body.countUp(
    i,
    () => body.get(rows),
    1,
    () => group(1),
  );
  body.release(i);
}

/** y ← Ax: the sum of a row is that of its even columns plus that of the odd ones, a last even one apart. */
function emitRowDots(): FunctionBody {
  const [rows, columns, a, aRow, x, y] = [0, 1, 2, 3, 4, 5];
  const body = new FunctionBody([i32, i32, i32, i32, i32, i32]);
  const base = [body.local(), body.local(), body.local(), body.local()];
  const moving = [body.local(), body.local(), body.local(), body.local()];
  const q = body.local();
  const sums = [body.local(v128), body.local(v128), body.local(v128), body.local(v128)];
  const xv = body.local(v128);
  const totals = [body.local(f64), body.local(f64), body.local(f64), body.local(f64)];
  inFours(body, rows, (count) => {
    const group = base.slice(0, count);
    const at = moving.slice(0, count);
    setRows(body, group, a, aRow);
    group.forEach((pointer, r) => body.get(pointer).set(at[r]));
    body.get(x).set(q);
    for (const sum of sums.slice(0, count)) zero(body, sum);
    eachPair(body, columns, [...at, q], (offset) => {
      body.get(q).vectorAccess(vector.load, offset).set(xv);
      at.forEach((pointer, r) => {
        body.get(sums[r]).get(pointer).vectorAccess(vector.load, offset);
        body.get(xv).simd(vector.mul).simd(vector.add).set(sums[r]);
      });
    });
    group.forEach((_, r) => addLanes(body, sums[r]).set(totals[r]));
    isOdd(body, columns).when(() => {
      group.forEach((pointer, r) => {
        body.get(totals[r]);
        lastColumn(body, pointer, columns).access(op.f64Load);
        lastColumn(body, x, columns).access(op.f64Load).emit(op.f64Mul, op.f64Add).set(totals[r]);
      });
    });
    group.forEach((_, r) =>
      body
        .get(y)
        .get(totals[r])
        .access(op.f64Store, 8 * r),
    );
    body.increment(y, 8 * count);
    body.get(a).get(aRow).int(count).emit(op.i32Mul, op.i32Add).set(a);
  });
  return body;
}

/** y ← y + αAᵀx: y_j + (x₀a₀ⱼ + x₁a₁ⱼ + (x₂a₂ⱼ + x₃a₃ⱼ)) for each four rows. */
function emitAddRows(): FunctionBody {
  const [rows, columns, alpha, a, aRow, x, xStep, y] = [0, 1, 2, 3, 4, 5, 6, 7];
  const body = new FunctionBody([i32, i32, f64, i32, i32, i32, i32, i32]);
  const base = [body.local(), body.local(), body.local(), body.local()];
  const moving = [body.local(), body.local(), body.local(), body.local()];
  const q = body.local();
  const factors = [body.local(v128), body.local(v128), body.local(v128), body.local(v128)];
  inFours(body, rows, (count) => {
    const group = base.slice(0, count);
    const at = moving.slice(0, count);
    setRows(body, group, a, aRow);
    group.forEach((pointer, r) => body.get(pointer).set(at[r]));
    group.forEach((_, r) => {
      body.get(alpha).get(x).access(op.f64Load).emit(op.f64Mul).simd(vector.splat).set(factors[r]);
      body.get(x).get(xStep).emit(op.i32Add).set(x);
    });
    body.get(y).set(q);
    const term = (r: number, offset: number): FunctionBody =>
      body.get(factors[r]).get(at[r]).vectorAccess(vector.load, offset).simd(vector.mul);
    eachPair(body, columns, [...at, q], (offset) => {
      body.get(q);
      body.get(q).vectorAccess(vector.load, offset);
      sumOfTerms(body, count, (r) => term(r, offset), vector.add);
      body.simd(vector.add).vectorAccess(vector.store, offset);
    });
    isOdd(body, columns).when(() => {
      const scalar = (r: number): FunctionBody => {
        body.get(factors[r]).simd(vector.lane, 0);
        return lastColumn(body, group[r], columns).access(op.f64Load).emit(op.f64Mul);
      };
      lastColumn(body, y, columns);
      lastColumn(body, y, columns).access(op.f64Load);
      sumOfTerms(body, count, scalar, null);
      body.emit(op.f64Add).access(op.f64Store);
    });
    body.get(a).get(aRow).int(count).emit(op.i32Mul, op.i32Add).set(a);
  });
  return body;
}

/** t₀, or t₀ + t₁ + (t₂ + t₃). */
function sumOfTerms(body: FunctionBody, count: number, term: (r: number) => void, vectorAdd: number | null): void {
  const add = (): FunctionBody => (vectorAdd === null ? body.emit(op.f64Add) : body.simd(vectorAdd));
  term(0);
  if (count === 1) return;
  term(1);
  add();
  term(2);
  term(3);
  add();
  add();
}

/** Four rows left of the diagonal, each entry used for the row and for the column; an even number of columns. */
function emitSymmetricRows(): FunctionBody {
  const [columns, a, aRow, x, xRows, y, yRows] = [0, 1, 2, 3, 4, 5, 6];
  const body = new FunctionBody([i32, i32, i32, i32, i32, i32, i32]);
  const at = [body.local(), body.local(), body.local(), body.local()];
  const sums = [body.local(v128), body.local(v128), body.local(v128), body.local(v128)];
  const factors = [body.local(v128), body.local(v128), body.local(v128), body.local(v128)];
  const [xv, e0, e1] = [body.local(v128), body.local(v128), body.local(v128)];
  setRows(body, at, a, aRow);
  factors.forEach((factor, r) =>
    body
      .get(xRows)
      .vectorAccess(vector.loadSplat, 8 * r)
      .set(factor),
  );
  for (const sum of sums) zero(body, sum);
  eachPair(body, columns, [...at, x, y], (offset) => {
    const use = (r: number, entry: number): void => {
      body.get(at[r]).vectorAccess(vector.load, offset).set(entry);
      body.get(sums[r]).get(entry).get(xv).simd(vector.mul).simd(vector.add).set(sums[r]);
      body.get(entry).get(factors[r]).simd(vector.mul);
    };
    body.get(x).vectorAccess(vector.load, offset).set(xv);
    body.get(y);
    body.get(y).vectorAccess(vector.load, offset);
    use(0, e0);
    use(1, e1);
    body.simd(vector.add);
    use(2, e0);
    use(3, e1);
    body.simd(vector.add).simd(vector.add).simd(vector.add).vectorAccess(vector.store, offset);
  });
  sums.forEach((sum, r) => {
    body
      .get(yRows)
      .get(yRows)
      .access(op.f64Load, 8 * r);
    addLanes(body, sum)
      .emit(op.f64Add)
      .access(op.f64Store, 8 * r);
  });
  return body;
}

/** Strips of eight columns of B are copied to a panel; row i of the panel loses T[i, p] times row p for p < i in order, then is divided. */
function emitSubstitute(): FunctionBody {
  const [n, columns, t, b, bRow, bColumn, unit, panel] = [0, 1, 2, 3, 4, 5, 6, 7];
  const body = new FunctionBody([i32, i32, i32, i32, i32, i32, i32, i32]);
  const [strip, width, i, j, row, target, source, entry, end] = Array.from({ length: 9 }, () => body.local());
  const sums = [body.local(v128), body.local(v128), body.local(v128), body.local(v128)];
  const factor = body.local(v128);
  const rowBytes = 8 * panelWidth;
  body.int(0).set(strip);
  const eachRow = (inner: () => void): void => {
    body.int(0).set(i).get(b).set(row).get(panel).set(target);
    body.countUp(
      i,
      () => body.get(n),
      1,
      () => {
        inner();
        body.get(row).get(bRow).emit(op.i32Add).set(row).increment(target, rowBytes);
      },
    );
  };
  /** Between B and the panel: whole vectors where eight columns lie side by side, else one by one. */
  const copyStrip = (inward: boolean): void => {
    body.get(bColumn).int(8).emit(op.i32Ne, op.i32Eqz).get(width).int(panelWidth).emit(op.i32GeS, op.i32And);
    body.when(
      () =>
        eachRow(() => {
          for (let at = 0; at < rowBytes; at += 16) {
            body
              .get(inward ? target : row)
              .get(inward ? row : target)
              .vectorAccess(vector.load, at)
              .vectorAccess(vector.store, at);
          }
        }),
      () =>
        eachRow(() => {
          body.get(row).set(source).get(target).set(entry).int(0).set(j);
          body.countUp(
            j,
            () => body.get(width),
            1,
            () => {
              body
                .get(inward ? entry : source)
                .get(inward ? source : entry)
                .access(op.f64Load)
                .access(op.f64Store);
              body.get(source).get(bColumn).emit(op.i32Add).set(source).increment(entry, 8);
            },
          );
        }),
    );
  };
  body.countUp(
    strip,
    () => body.get(columns),
    panelWidth,
    () => {
      body.get(columns).get(strip).emit(op.i32Sub).tee(width).int(panelWidth).emit(op.i32GtS);
      body.when(() => body.int(panelWidth).set(width));
      copyStrip(true);
      body.int(0).set(i).get(panel).set(target).get(t).set(row);
      body.countUp(
        i,
        () => body.get(n),
        1,
        () => {
          sums.forEach((sum, l) =>
            body
              .get(target)
              .vectorAccess(vector.load, 16 * l)
              .set(sum),
          );
          body.get(row).set(entry).get(panel).set(source);
          body.get(row).get(i).int(3).emit(op.i32Shl, op.i32Add).set(end);
          body.countUp(
            entry,
            () => body.get(end),
            8,
            () => {
              body.get(entry).vectorAccess(vector.loadSplat).set(factor);
              sums.forEach((sum, l) => {
                body
                  .get(sum)
                  .get(factor)
                  .get(source)
                  .vectorAccess(vector.load, 16 * l);
                body.simd(vector.mul).simd(vector.sub).set(sum);
              });
              body.increment(source, rowBytes);
            },
          );
          body
            .get(unit)
            .emit(op.i32Eqz)
            .when(() => {
              body.get(end).vectorAccess(vector.loadSplat).set(factor);
              for (const sum of sums) body.get(sum).get(factor).simd(vector.div).set(sum);
            });
          sums.forEach((sum, l) =>
            body
              .get(target)
              .get(sum)
              .vectorAccess(vector.store, 16 * l),
          );
          body.increment(target, rowBytes).increment(row, 8 * triangleOrder);
        },
      );
      copyStrip(false);
      body.get(b).get(bColumn).int(panelWidth).emit(op.i32Mul, op.i32Add).set(b);
    },
  );
  return body;
}

/** sweep(p, c, s, length, step): rotations of rows of a panel, of `rotationRows` numbers each, from p on; one of the two rows stays in registers. */
function emitSweep(): FunctionBody {
  const [p, c, s, length, step] = [0, 1, 2, 3, 4];
  const body = new FunctionBody([i32, i32, i32, i32, i32]);
  const xs = Array.from({ length: rotationRows / 2 }, () => body.local(v128));
  const [y, ci, si] = [body.local(v128), body.local(v128), body.local(v128)];
  const [next, end] = [body.local(), body.local()];
  xs.forEach((x, l) =>
    body
      .get(p)
      .vectorAccess(vector.load, 16 * l)
      .set(x),
  );
  body.get(c).get(length).int(3).emit(op.i32Shl, op.i32Add).set(end);
  body.countUp(
    c,
    () => body.get(end),
    8,
    () => {
      body.get(c).vectorAccess(vector.loadSplat).set(ci);
      body.get(s).vectorAccess(vector.loadSplat).set(si);
      body.get(p).get(step).emit(op.i32Add).set(next);
      xs.forEach((x, l) => {
        body
          .get(next)
          .vectorAccess(vector.load, 16 * l)
          .set(y);
        body
          .get(p)
          .get(ci)
          .get(x)
          .simd(vector.mul)
          .get(si)
          .get(y)
          .simd(vector.mul)
          .simd(vector.add)
          .vectorAccess(vector.store, 16 * l);
        body.get(ci).get(y).simd(vector.mul).get(si).get(x).simd(vector.mul).simd(vector.sub).set(x);
      });
      body.get(next).set(p).increment(s, 8);
    },
  );
  xs.forEach((x, l) =>
    body
      .get(p)
      .get(x)
      .vectorAccess(vector.store, 16 * l),
  );
  return body;
}

/** Some rows of Z at a time become the columns of a panel, on which all sweeps work before it is copied back. */
function emitRotate(sweep: number): FunctionBody {
  const [rows, low, high, z, zRow, c, s, sweeps, count, panel] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
  const body = new FunctionBody([i32, i32, i32, i32, i32, i32, i32, i32, i32, i32]);
  const [r, width, i, j, from, to, entry, q, used] = Array.from({ length: 9 }, () => body.local());
  const [v0, v1] = [body.local(v128), body.local(v128)];
  const rowBytes = 8 * rotationRows;
  const lanes = (first: number, second: number): number[] =>
    Array.from({ length: 16 }, (_, k) => (k < 8 ? first + k : second + k - 8));
  /** Rows in pairs, columns in pairs: 2×2 blocks are transposed in registers. What is left goes one by one. */
  const copyPanel = (inward: boolean): void => {
    body.int(0).set(i).get(z).get(low).int(3).emit(op.i32Shl, op.i32Add).set(from);
    const rowStart = (): void => {
      body.get(from).set(entry).get(low).set(j);
      body.get(panel).get(i).int(3).emit(op.i32Shl, op.i32Add);
      body.get(low).int(rotationShift).emit(op.i32Shl, op.i32Add).set(to);
    };
    const single = (row: boolean): void => {
      const address = (panelSide: boolean): void => {
        if (panelSide) body.get(to);
        else {
          body.get(entry);
          if (row) body.get(zRow).emit(op.i32Add);
        }
      };
      address(inward);
      address(!inward);
      const offset = row ? 8 : 0;
      body.access(op.f64Load, inward ? 0 : offset).access(op.f64Store, inward ? offset : 0);
    };
    body.countUp(
      i,
      () => body.get(width).int(-2).emit(op.i32And),
      2,
      () => {
        rowStart();
        body.countUp(
          j,
          () => body.get(high),
          2,
          () => {
            const zAt = (row: number): void => {
              body.get(entry);
              if (row === 1) body.get(zRow).emit(op.i32Add);
            };
            const panelAt = (column: number): void =>
              void body
                .get(to)
                .int(column * rowBytes)
                .emit(op.i32Add);
            const source = inward ? zAt : panelAt;
            const target = inward ? panelAt : zAt;
            source(0);
            body.vectorAccess(vector.load).set(v0);
            source(1);
            body.vectorAccess(vector.load).set(v1);
            target(0);
            body
              .get(v0)
              .get(v1)
              .simd(0x0d, ...lanes(0, 16))
              .vectorAccess(vector.store);
            target(1);
            body
              .get(v0)
              .get(v1)
              .simd(0x0d, ...lanes(8, 24))
              .vectorAccess(vector.store);
            body.increment(entry, 16).increment(to, 2 * rowBytes);
          },
        );
        body.countUp(
          j,
          () => body.get(high).int(1).emit(op.i32Add),
          1,
          () => {
            single(false);
            single(true);
            body.increment(entry, 8).increment(to, rowBytes);
          },
        );
        body.get(from).get(zRow).int(2).emit(op.i32Mul, op.i32Add).set(from);
      },
    );
    body.countUp(
      i,
      () => body.get(width),
      1,
      () => {
        rowStart();
        body.countUp(
          j,
          () => body.get(high).int(1).emit(op.i32Add),
          1,
          () => {
            single(false);
            body.increment(entry, 8).increment(to, rowBytes);
          },
        );
        body.get(from).get(zRow).emit(op.i32Add).set(from);
      },
    );
  };
  body.int(0).set(r);
  body.countUp(
    r,
    () => body.get(rows),
    rotationRows,
    () => {
      body.get(rows).get(r).emit(op.i32Sub).tee(width).int(rotationRows).emit(op.i32GtS);
      body.when(() => body.int(rotationRows).set(width));
      copyPanel(true);
      body.int(0).set(used).int(0).set(i).get(sweeps).set(q);
      body.countUp(
        i,
        () => body.get(count),
        1,
        () => {
          body.get(panel).get(q).access(op.i32Load).int(rotationShift).emit(op.i32Shl, op.i32Add);
          body.get(c).get(used).emit(op.i32Add).get(s).get(used).emit(op.i32Add);
          body.get(q).access(op.i32Load, 4).get(q).access(op.i32Load, 8).int(rotationShift).emit(op.i32Shl).call(sweep);
          body.get(used).get(q).access(op.i32Load, 4).int(3).emit(op.i32Shl, op.i32Add).set(used);
          body.increment(q, 12);
        },
      );
      copyPanel(false);
      body.get(z).get(zRow).int(rotationRows).emit(op.i32Mul, op.i32Add).set(z);
    },
  );
  return body;
}

function zero(body: FunctionBody, local: number): void {
  body.simd(0x0c, ...new Array<number>(16).fill(0)).set(local);
}

/** Puts lane 0 + lane 1 on the stack. */
function addLanes(body: FunctionBody, local: number): FunctionBody {
  return body.get(local).simd(vector.lane, 0).get(local).simd(vector.lane, 1).emit(op.f64Add);
}
