/**
 * Taylor arithmetic as source text: `scalar/taylor.ts` for a fixed number of coefficients, written out. A coefficient is the name of a
 * variable or a literal; null is a zero that no statement needs to be written for.
 */

export type Series = readonly (string | null)[];

/** Statements of a function's body, and the series that they compute. */
export class Statements {
  private readonly lines: string[] = [];
  private count = 0;

  /** @param prefix - of the variables' names, where statements stand inside of others. */
  constructor(
    private readonly n: number,
    private readonly prefix = "t",
  ) {}

  toString(): string {
    return this.lines.join("\n");
  }

  /** A line as it is. */
  line(text: string): void {
    this.lines.push(text);
  }

  /** A new variable. */
  let(value: string): string {
    const name = `${this.prefix}${this.count++}`;
    this.line(`let ${name} = ${value};`);
    return name;
  }

  /** The coefficients by what f says of each. */
  series(f: (k: number) => string | null): Series {
    return Array.from({ length: this.n + 1 }, (_, k) => {
      const value = f(k);
      return value === null ? null : this.let(value);
    });
  }

  /** c + slope·δ. */
  affine(c: string, slope: string): Series {
    return Array.from({ length: this.n + 1 }, (_, k) => [c, slope][k] ?? null);
  }

  sum(a: Series, b: Series): Series {
    return this.series((k) => joined([[a[k]], [b[k]]]));
  }

  difference(a: Series, b: Series): Series {
    return this.series((k) => joined([[a[k]], ["(-1.0)", b[k]]]));
  }

  scaled(a: Series, factor: string): Series {
    return this.series((k) => joined([[factor, a[k]]]));
  }

  product(a: Series, b: Series): Series {
    return this.series((k) => convolution(a, b, k));
  }

  quotient(a: Series, b: Series): Series {
    const inverse = this.let(`1.0 / ${b[0]}`);
    return this.solve((out, k) => {
      const products = out.map((c, j) => [c, b[k - j]]);
      return times(minus(a[k], joined(products)), inverse);
    });
  }

  squareRoot(a: Series): Series {
    const root = this.let(`Math.sqrt(${a[0]})`);
    const inverse = this.let(`0.5 / ${root}`);
    return this.solve((out, k) => {
      if (k === 0) return root;
      const products = out.slice(1).map((c, j) => [c, out[k - j - 1]]);
      return times(minus(a[k], joined(products)), inverse);
    });
  }

  /** log a, but for its constant. */
  log(a: Series): Series {
    const inverse = this.let(`1.0 / ${a[0]}`);
    // k·l_k = (k·a_k − Σ_{0<j<k} j·l_j·a_{k−j})/a₀
    return this.solve((out, k) => {
      if (k === 0) return null;
      const products = out.map((c, j) => [whole(j), c, a[k - j]]);
      return times(minus(joined([[whole(k), a[k]]]), joined(products)), `${inverse} / ${whole(k)}`);
    });
  }

  /** e^a of a series without constant. */
  exponential(a: Series): Series {
    // k·e_k = Σ_{0<j≤k} j·a_j·e_{k−j}
    return this.solve((out, k) => {
      if (k === 0) return "1.0";
      const products = out.map((c, i) => [whole(k - i), a[k - i], c]);
      return times(joined(products), `(1.0 / ${whole(k)})`);
    });
  }

  /** ∫ a dδ from 0. */
  integral(a: Series): Series {
    return this.series((k) => (k === 0 ? null : times(a[k - 1] ?? null, `(1.0 / ${whole(k)})`)));
  }

  /** Coefficients each of which depends on those before. */
  private solve(f: (before: Series, k: number) => string | null): Series {
    const out: (string | null)[] = [];
    for (let k = 0; k <= this.n; k++) {
      const value = f(out, k);
      out.push(value === null ? null : this.let(value));
    }
    return out;
  }
}

/** A text without the variables that nothing reads: a coefficient may turn out not to be needed, and compilers warn of it. */
export function withoutUnused(text: string): string {
  const counts = new Map<string, number>();
  for (const [name] of text.matchAll(/\b[a-z]\w*/gi)) counts.set(name, (counts.get(name) ?? 0) + 1);
  const rest = text.replace(/\blet (\w+) = [^;{}]*;/g, (all, name: string) => (counts.get(name) === 1 ? "" : all));
  return rest === text ? text : withoutUnused(rest);
}

/** A whole number as a literal. */
const whole = (k: number): string => `${k}.0`;

/** Σ of products, without those of which a factor is zero; null if none is left. */
export function joined(products: readonly (readonly (string | null | undefined)[])[]): string | null {
  const terms = products
    .filter((factors) => factors.every((factor) => factor !== null && factor !== undefined && factor !== "0.0"))
    .map((factors) => factors.filter((factor) => factor !== "1.0").join(" * ") || "1.0");
  return terms.length === 0 ? null : terms.join(" + ");
}

/** The coefficient k of a product. */
export function convolution(a: Series, b: Series, k: number): string | null {
  return joined(a.slice(0, k + 1).map((c, j) => [c, b[k - j]]));
}

function minus(a: string | null | undefined, b: string | null): string | null {
  if (b === null) return a ?? null;
  return a === null || a === undefined ? `-(${b})` : `${a} - (${b})`;
}

function times(a: string | null, factor: string): string | null {
  return a === null ? null : `(${a}) * ${factor}`;
}
