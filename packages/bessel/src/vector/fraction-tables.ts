/**
 * What Temme's continued fraction for K gives on |μ| ≤ ½, as polynomials in μ² and 1/x:
 *
 *   K_μ(x) = √(π/(2x))·e^(−x)/(1 + (¼ − μ²)S)   and   K_{μ+1}(x) = K_μ(x)·(μ + x + ½ − (¼ − μ²)H)/x.
 *
 * S and H are smooth and below ⅓, so a polynomial that is right to 1e-16 gives K to the last bit. The tables are made here, at first use: the
 * fraction by backward recurrence at Chebyshev nodes, then coefficients.
 *
 * Source: Temme, On the numerical evaluation of the modified Bessel function of the third kind (1975), section 3.
 */

/** Coefficients of 1, u, u², … for every power of w: u = (1/x − middle)/half, w = 8μ² − 1, both in [−1, 1]. */
export interface FractionTable {
  readonly middle: number;
  readonly half: number;
  readonly S: readonly (readonly number[])[];
  readonly H: readonly (readonly number[])[];
}

const [inverseDegree, squareDegree] = [18, 9];
/** Terms that S and H are not changed by: both enter with a factor of at most ¼ beside 1. */
const negligible = 4e-16;

const tables = /* @__PURE__ */ new Map<string, FractionTable>();

/** The table for smallest ≤ x ≤ largest. */
export function fractionTable(smallest: number, largest: number): FractionTable {
  const key = `${smallest} ${largest}`;
  let table = tables.get(key);
  if (table === undefined) tables.set(key, (table = makeTable(smallest, largest)));
  return table;
}

function makeTable(smallest: number, largest: number): FractionTable {
  const middle = (1 / smallest + 1 / largest) / 2;
  const half = (1 / smallest - 1 / largest) / 2;
  const node = (i: number, n: number): number => Math.cos((Math.PI * (i + 0.5)) / n);
  const values = Array.from({ length: squareDegree }, (_, l) =>
    Array.from({ length: inverseDegree }, (_, k) =>
      fraction((1 + node(l, squareDegree)) / 8, 1 / (middle + half * node(k, inverseDegree))),
    ),
  );
  return { middle, half, S: coefficients(values, "S"), H: coefficients(values, "H") };
}

/**
 * S and H from the minimal solution of z_{n−1} = 2(n + x)z_n − ((n + ½)² − μ²)z_{n+1}: H = z₁/z₀, and 1 + (¼ − μ²)S = Σ C_n z_n/z₀ with
 * C_n = C_{n−1}((n − ½)² − μ²)/n.
 */
function fraction(square: number, x: number): { readonly S: number; readonly H: number } {
  let z = 1; // z_n
  let next = 0; // z_{n+1}
  let sum = 1; // Σ_{m ≥ n} (C_m/C_n)z_m
  // The rest of the sum falls like exp(−2√(2xn)).
  for (let n = Math.ceil(200 / x) + 10; ; n--) {
    const above = z;
    z = 2 * (n + x) * z - ((n + 0.5) ** 2 - square) * next;
    next = above;
    if (n === 1) return { S: sum / z, H: next / z };
    sum = z + (((n - 0.5) ** 2 - square) / n) * sum;
    if (z > 1e200) {
      z *= 1e-200;
      next *= 1e-200;
      sum *= 1e-200;
    }
  }
}

/** Chebyshev coefficients in both variables; the negligible ones away; then powers. */
function coefficients(values: readonly (readonly Record<"S" | "H", number>[])[], which: "S" | "H"): number[][] {
  const inU = values.map((row) => chebyshev(row.map((value) => value[which])));
  const both = Array.from({ length: inverseDegree }, (_, k) => chebyshev(inU.map((row) => row[k]))); // [k][l]
  const rows: number[][] = [];
  for (let l = 0, length = inverseDegree; l < squareDegree; l++) {
    // No row is longer than the one before, so that no power is missed when the columns become powers in their turn.
    while (length > 0 && Math.abs(both[length - 1][l]) < negligible) length--;
    if (length === 0) break;
    rows.push(powers(both.slice(0, length).map((column) => column[l])));
  }
  const width = Math.max(...rows.map(({ length }) => length));
  const columns = Array.from({ length: width }, (_, k) => powers(rows.map((row) => row[k] ?? 0)));
  return rows.map((row, l) => row.map((_, k) => columns[k][l]));
}

/** Of the interpolating polynomial through values at the nodes cos(π(i + ½)/n). */
function chebyshev(values: readonly number[]): number[] {
  const n = values.length;
  return values.map((_, k) => {
    const sum = values.reduce((total, value, i) => total + value * Math.cos((Math.PI * k * (i + 0.5)) / n), 0);
    return (sum * (k === 0 ? 1 : 2)) / n;
  });
}

/** Σ c_k T_k(u) as Σ p_j u^j. */
function powers(chebyshevCoefficients: readonly number[]): number[] {
  const out = chebyshevCoefficients.map(() => 0);
  let [previous, current]: [number[], number[]] = [[], [1]];
  chebyshevCoefficients.forEach((c, k) => {
    current.forEach((t, j) => (out[j] += c * t));
    const shifted = [0, ...current.map((t) => (k === 0 ? t : 2 * t))];
    [previous, current] = [current, shifted.map((t, j) => t - (previous[j] ?? 0))];
  });
  return out;
}
