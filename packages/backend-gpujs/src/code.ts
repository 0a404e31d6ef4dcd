/** Writing the body of a kernel: statements, blocks, names, and what has been computed already. */

/** Source of a number: a name or a literal, so that it may be repeated. */
export type Expression = string;

const atomic = /^-?[\w.]+$/;

export class Code {
  private readonly lines: string[] = [];
  /** What is known in each open block, the outermost first: computed once, used where it is visible. */
  private readonly known: Map<string, unknown>[] = [new Map()];
  /** Where the blocks in it begin: line numbers of the heads of all open blocks but the outermost. */
  private readonly heads: number[] = [];
  /** Head of the block that was closed last. */
  private closed = 0;
  /** Blocks of the names that never change. */
  private readonly depths = new Map<string, number>();
  private names = 0;
  /** Functions that the body calls. */
  readonly functions: Set<string> = new Set();

  constructor(
    /** Writes a call out, if it can. */
    private readonly inline?: (name: string, args: readonly Expression[]) => Expression | null,
  ) {}

  get statements(): number {
    return this.lines.length;
  }

  line(text: string): void {
    this.lines.push("  ".repeat(this.known.length) + text);
  }

  /** The innermost block in which one of the names of a text was given; null if it may still change. */
  private depthOf(text: string): number | null {
    let depth = 0;
    for (const [name] of text.matchAll(/(?<![.\w])[a-z]\w*/g)) {
      if (name === "this" || /^s\d+$/.test(name)) continue;
      const own = this.depths.get(name);
      if (own === undefined) return null;
      depth = Math.max(depth, own);
    }
    return depth;
  }

  /** Says that a variable does not change from here on. */
  settle(name: string): string {
    this.depths.set(name, this.known.length - 1);
    return name;
  }

  /** Terms with those first that change in the fewest loops. */
  outermostFirst(terms: readonly string[]): string[][] {
    const groups = new Map<number, string[]>();
    for (const term of terms) {
      const depth = this.depthOf(term) ?? this.known.length - 1;
      groups.set(depth, [...(groups.get(depth) ?? []), term]);
    }
    return [...groups.keys()].sort((a, b) => a - b).map((depth) => groups.get(depth)!);
  }

  fresh(prefix = "v"): string {
    return `${prefix}${this.names++}`;
  }

  /** A name for the value of `text`: given once, and outside of the loops in which it does not change. */
  let(text: string): Expression {
    if (atomic.test(text)) return text;
    // Elements are read, and functions called, where they are wanted.
    const depth = /\[|(?<!\bMath\.)\b\w+\(/.test(text) ? null : this.depthOf(text);
    if (depth === null) return this.variable(text);
    const key = `let ${text}`;
    for (let d = depth; d >= 0; d--) if (this.known[d].has(key)) return this.known[d].get(key) as Expression;
    const name = this.fresh();
    const line = `${"  ".repeat(depth + 1)}let ${name} = ${text};`;
    const at = depth === this.known.length - 1 ? this.lines.length : this.heads[depth];
    this.lines.splice(at, 0, line);
    for (let d = depth; d < this.heads.length; d++) this.heads[d]++;
    this.known[depth].set(key, name);
    this.depths.set(name, depth);
    return name;
  }

  /** A variable that can be assigned to. */
  variable(text: string): string {
    const name = this.fresh();
    this.line(`let ${name} = ${text};`);
    return name;
  }

  assign(name: string, text: string): void {
    this.line(`${name} = ${text};`);
  }

  /** −x. Of what is negated already, x: two signs in a row would be a decrement. */
  negate(x: Expression): Expression {
    return x.startsWith("-") ? x.slice(1) : this.let(`-${x}`);
  }

  call(name: string, ...args: readonly Expression[]): Expression {
    const written = this.inline?.(name, args) ?? null;
    if (written !== null) return written;
    this.functions.add(name);
    return this.let(`${name}(${args.join(", ")})`);
  }

  /** 1.0 where the condition holds, else 0.0. */
  flag(condition: string): Expression {
    const y = this.variable("0.0");
    this.line(`if (${condition}) { ${y} = 1.0; }`);
    return y;
  }

  /** The second where the condition holds, else the third; both are computed. */
  choose(condition: string, yes: Expression, no: Expression): Expression {
    const y = this.variable(no);
    this.line(`if (${condition}) { ${y} = ${yes}; }`);
    return y;
  }

  block(head: string, body: () => void): void {
    // Nothing may come between an `if` and its `else`.
    this.heads.push(head === "else" ? this.closed : this.lines.length);
    this.line(`${head} {`);
    this.known.push(new Map());
    body();
    this.known.pop();
    this.closed = this.heads.pop()!;
    this.line("}");
  }

  when(condition: string, body: () => void): void {
    this.block(`if (${condition})`, body);
  }

  /** `body(i)` for i = 0 … count − 1. The bound is a literal: gpu.js cuts loops with others at 1000 rounds without a word. */
  loop(count: number, body: (i: Expression) => void): void {
    if (count === 1) {
      body("0.0");
      return;
    }
    const i = this.fresh("i");
    this.block(`for (let ${i} = 0; ${i} < ${count}; ${i}++)`, () => {
      this.settle(i);
      body(this.let(`${i} * 1.0`));
    });
  }

  /** `make()`, once in the blocks that are open. */
  once<T>(key: string, make: () => T): T {
    for (const block of this.known) if (block.has(key)) return block.get(key) as T;
    const value = make();
    this.known[this.known.length - 1].set(key, value);
    return value;
  }

  toString(): string {
    return this.lines.join("\n");
  }
}

/** The source of a finite number, rounded to float32; null if it must be an argument. */
export function literal(value: number): Expression | null {
  const x = Math.fround(value);
  const a = Math.abs(x);
  if (!Number.isFinite(x) || Object.is(x, -0) || a > 1e20 || (a < 1e-20 && a > 0)) return null;
  const text = Number.isInteger(x) ? `${x}.0` : String(x);
  return x < 0 ? `(${text})` : text;
}
