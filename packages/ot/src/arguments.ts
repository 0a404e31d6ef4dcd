/** Checks that all solvers share: what they get, what they want. */

import { check, DomainError, DTypeError, isFloat, isTensor, ShapeError, type Tensor } from "@curv/tensor";

/** `[2, 3]`. */
export function formatShape(shape: readonly number[]): string {
  return `[${shape.join(", ")}]`;
}

/** Refuses what is no float tensor of `rank` axes, or holds NaN or an infinity (+∞ is let through with `forbidden`). */
export function checkFloats(x: Tensor, rank: number, caller: string, argument: string, forbidden = false): void {
  if (!isTensor(x))
    throw new DTypeError(`${caller}: ${argument} is ${x === null ? "null" : typeof x}; wants a Tensor.`);
  if (!isFloat(x.dtype)) throw new DTypeError(`${caller}: ${argument} is ${x.dtype}; wants float32 or float64.`);
  if (x.rank !== rank) {
    throw new ShapeError(
      `${caller}: ${argument} has shape ${formatShape(x.shape)}; wants ${rank} ${rank === 1 ? "axis" : "axes"}.`,
    );
  }
  if (x.size === 0) throw new ShapeError(`${caller}: ${argument} has shape ${formatShape(x.shape)}; wants elements.`);
  check([x], [rank], (data) => {
    for (let i = 0; i < data.length; i++) {
      if (Number.isFinite(data[i]) || (forbidden && data[i] === Infinity)) continue;
      const at = rank === 2 ? `${Math.floor(i / x.shape[1])}, ${i % x.shape[1]}` : `${i}`;
      return new DomainError(`${caller}: ${argument}[${at}] is ${data[i]}; wants finite numbers.`);
    }
    return null;
  });
}

/** Refuses weights that are negative or sum to nothing; with `positive`, zeros too. */
export function checkWeights(a: Tensor, length: number, caller: string, argument: string, positive = false): void {
  checkFloats(a, 1, caller, argument);
  if (a.shape[0] !== length) {
    throw new ShapeError(`${caller}: ${argument} has length ${a.shape[0]}; the cost wants ${length}.`);
  }
  check([a], [1], (data) => {
    let sum = 0;
    for (let i = 0; i < data.length; i++) {
      if (data[i] < 0 || (positive && data[i] === 0)) {
        const wants = positive ? "strictly positive weights; drop empty points first" : "weights >= 0";
        return new DomainError(`${caller}: ${argument}[${i}] is ${data[i]}; wants ${wants}.`);
      }
      sum += data[i];
    }
    return sum > 0 ? null : new DomainError(`${caller}: ${argument} sums to 0; wants a positive mass.`);
  });
}

/** Refuses potentials to start from that do not fit; none at all are fine. */
export function checkInit(
  init: Readonly<Record<string, Tensor>> | undefined,
  lengths: Readonly<Record<string, number>>,
  caller: string,
): void {
  if (init === undefined) return;
  for (const [name, length] of Object.entries(lengths)) {
    const argument = `init.${name}`;
    checkFloats(init[name], 1, caller, argument);
    if (init[name].shape[0] === length) continue;
    throw new ShapeError(`${caller}: ${argument} has length ${init[name].shape[0]}; the cost wants ${length}.`);
  }
}

/** Refuses masses that differ by more than `relative`. */
export function checkEqualMass(a: Tensor, b: Tensor, caller: string, relative?: number): void {
  const allowed = relative ?? (a.dtype === "float32" ? 1e-5 : 1e-8);
  check([a, b], [1, 1], (p, q) => {
    const [s, t] = [total(p), total(q)];
    if (Math.abs(s - t) <= allowed * Math.max(s, t)) return null;
    return new DomainError(
      `${caller}: a sums to ${s}, b to ${t}; they must be equal. Divide each by its sum, or use an unbalanced problem (rho).`,
    );
  });
}

function total(data: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < data.length; i++) sum += data[i];
  return sum;
}

/** Refuses a number that is not in (low, high], or, with `closed`, [low, high]. */
export function checkNumber(
  x: number,
  caller: string,
  argument: string,
  {
    low,
    high = Number.MAX_VALUE,
    closed = false,
  }: { readonly low: number; readonly high?: number; readonly closed?: boolean },
): void {
  if (typeof x === "number" && (closed ? x >= low : x > low) && x <= high) return;
  const upper = high === Number.MAX_VALUE ? "" : high === Infinity ? " (Infinity allowed)" : ` and <= ${high}`;
  throw new DomainError(
    `${caller}: ${argument} is ${String(x)}; wants a number ${closed ? ">=" : ">"} ${low}${upper}.`,
  );
}

/** Refuses a count that is no integer ≥ `low`. */
export function checkCount(x: number, caller: string, argument: string, low = 0): void {
  if (Number.isSafeInteger(x) && x >= low) return;
  throw new DomainError(`${caller}: ${argument} is ${String(x)}; wants an integer >= ${low}.`);
}

/** Refuses tensors of different dtypes. */
export function checkSameDType(tensors: readonly Tensor[], caller: string): void {
  const [first] = tensors;
  for (const x of tensors) {
    if (x.dtype === first.dtype) continue;
    throw new DTypeError(`${caller}: ${first.dtype} and ${x.dtype} are mixed; cast to one of them.`);
  }
}

/** Equal weights of sum 1 for the points x [n, d]. */
export function evenWeights(x: Tensor): Tensor {
  return x
    .slice(null, 0)
    .mul(0)
    .add(1 / x.shape[0]);
}
