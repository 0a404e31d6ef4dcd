/** Writing WebAssembly modules: bytes of instructions, and the sections around them. */

export const i32 = 0x7f;
export const f32 = 0x7d;
export const f64 = 0x7c;
export const v128 = 0x7b;

/** Most pages of the one memory that all modules import: 2 GiB. V8 refuses a module that names another number than the memory has. */
export const maximumPages = 32768;

/** Instructions by their names in the specification, as far as the kernels need them. */
export const op = {
  block: 0x02,
  loop: 0x03,
  if: 0x04,
  else: 0x05,
  end: 0x0b,
  br: 0x0c,
  brIf: 0x0d,
  call: 0x10,
  select: 0x1b,
  localGet: 0x20,
  localSet: 0x21,
  localTee: 0x22,
  i32Load: 0x28,
  f32Load: 0x2a,
  f64Load: 0x2b,
  i32Load8U: 0x2d,
  f32Store: 0x38,
  f64Store: 0x39,
  i32Const: 0x41,
  f32Const: 0x43,
  f64Const: 0x44,
  i32Eqz: 0x45,
  i32Ne: 0x47,
  i32LtS: 0x48,
  i32GtS: 0x4a,
  i32GeS: 0x4e,
  i32Add: 0x6a,
  i32Sub: 0x6b,
  i32Mul: 0x6c,
  i32DivS: 0x6d,
  i32And: 0x71,
  i32Shl: 0x74,
  i32ShrU: 0x76,
  f64Add: 0xa0,
  f64Mul: 0xa2,
  f64ConvertI32S: 0xb7,
  f32DemoteF64: 0xb6,
  f64PromoteF32: 0xbb,
} as const;

const emptyType = 0x40;
const scratch = /* @__PURE__ */ new DataView(/* @__PURE__ */ new ArrayBuffer(8));

/**
 * Bytes that are being written. The first call of a compiled function runs all of this in the interpreter: no arrays of arguments, and
 * whole pieces are copied at once.
 */
class ByteWriter {
  private buffer = new Uint8Array(128);
  length = 0;

  byte(value: number): this {
    if (this.length === this.buffer.length) this.reserve(1);
    this.buffer[this.length++] = value;
    return this;
  }

  all(bytes: ArrayLike<number>): this {
    if (this.length + bytes.length > this.buffer.length) this.reserve(bytes.length);
    this.buffer.set(bytes, this.length);
    this.length += bytes.length;
    return this;
  }

  /** LEB128. */
  unsigned(value: number): this {
    let rest = value >>> 0;
    while (rest >= 0x80) {
      this.byte((rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    return this.byte(rest);
  }

  /** Signed LEB128. */
  signed(value: number): this {
    let rest = value | 0;
    while (rest < -0x40 || rest >= 0x40) {
      this.byte((rest & 0x7f) | 0x80);
      rest >>= 7;
    }
    return this.byte(rest & 0x7f);
  }

  /** A vector of items that are bytes already: their number, then they. */
  list(items: readonly ArrayLike<number>[]): this {
    this.unsigned(items.length);
    for (const item of items) this.all(item);
    return this;
  }

  text(ascii: string): this {
    this.unsigned(ascii.length);
    for (let i = 0; i < ascii.length; i++) this.byte(ascii.charCodeAt(i));
    return this;
  }

  /** What was written, until more is. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.buffer.subarray(0, this.length);
  }

  private reserve(more: number): void {
    const grown = new Uint8Array(Math.max(2 * this.buffer.length, this.length + more));
    grown.set(this.buffer);
    this.buffer = grown;
  }
}

/** The bytes of a float64, or of a float32, as they stand in memory. */
export function floatBytes(value: number, bits: 32 | 64): number[] {
  if (bits === 32) scratch.setFloat32(0, value, true);
  else scratch.setFloat64(0, value, true);
  return Array.from({ length: bits / 8 }, (_, i) => scratch.getUint8(i));
}

/** The body of a function that is being written. */
export class FunctionBody {
  private readonly code = new ByteWriter();
  private readonly locals: number[] = [];
  private readonly free = new Map<number, number[]>();

  /** @param params - Types of its parameters: locals 0, 1, …. */
  constructor(
    readonly params: readonly number[],
    readonly results: readonly number[] = [],
  ) {}

  /** A fresh local. */
  local(type: number = i32): number {
    const given = this.free.get(type)?.pop();
    if (given !== undefined) return given;
    this.locals.push(type);
    return this.params.length + this.locals.length - 1;
  }

  /** Gives a local back, to be used again. */
  release(local: number, type: number = i32): void {
    const list = this.free.get(type);
    if (list === undefined) this.free.set(type, [local]);
    else list.push(local);
  }

  emit(...bytes: number[]): this {
    this.code.all(bytes);
    return this;
  }

  get(local: number): this {
    this.code.byte(op.localGet).unsigned(local);
    return this;
  }

  set(local: number): this {
    this.code.byte(op.localSet).unsigned(local);
    return this;
  }

  tee(local: number): this {
    this.code.byte(op.localTee).unsigned(local);
    return this;
  }

  int(value: number): this {
    this.code.byte(op.i32Const).signed(value);
    return this;
  }

  /** Puts the address of the room for packed panels on the stack. */
  work(): this {
    return this.emit(0x23, 0);
  }

  float(value: number, bits: 32 | 64): this {
    this.code.byte(bits === 32 ? op.f32Const : op.f64Const).all(floatBytes(value, bits));
    return this;
  }

  /** A vector instruction. */
  simd(code: number, ...immediates: number[]): this {
    this.code.byte(0xfd).unsigned(code).all(immediates);
    return this;
  }

  /** A load or store at (address on the stack) + offset. */
  access(code: number, offset = 0): this {
    this.code.byte(code).byte(0).unsigned(offset);
    return this;
  }

  /** A vector load or store at (address on the stack) + offset. */
  vectorAccess(code: number, offset = 0, ...lane: number[]): this {
    this.code.byte(0xfd).unsigned(code).byte(0).unsigned(offset).all(lane);
    return this;
  }

  /** Adds a constant to a local. */
  increment(local: number, by: number): this {
    if (by === 0) return this;
    return this.get(local).int(by).emit(op.i32Add).set(local);
  }

  /** memory.copy of (to, from, bytes) on the stack. */
  copyMemory(): this {
    return this.emit(0xfc, 0x0a, 0, 0);
  }

  /** memory.fill of (to, byte, bytes) on the stack. */
  fillMemory(): this {
    return this.emit(0xfc, 0x0b, 0);
  }

  call(index: number): this {
    this.code.byte(op.call).unsigned(index);
    return this;
  }

  /** `body` again and again while the condition that it leaves on the stack holds. */
  loop(body: () => void): this {
    this.emit(op.loop, emptyType);
    body();
    return this.emit(op.brIf, 0, op.end);
  }

  /** for (; counter < end; counter += step) body, where `end` puts the bound on the stack. */
  countUp(counter: number, end: () => void, step: number, body: () => void): this {
    const more = (): this => {
      this.get(counter);
      end();
      return this.emit(op.i32LtS);
    };
    more();
    return this.when(() =>
      this.loop(() => {
        body();
        this.increment(counter, step);
        more();
      }),
    );
  }

  /** if (condition on the stack) then, else otherwise. */
  when(then: () => void, otherwise?: () => void): this {
    this.emit(op.if, emptyType);
    then();
    if (otherwise !== undefined) {
      this.emit(op.else);
      otherwise();
    }
    return this.emit(op.end);
  }

  /** The function as it stands in the code section. */
  encode(): Uint8Array {
    const groups: [count: number, type: number][] = [];
    for (const type of this.locals) {
      const last = groups[groups.length - 1];
      if (last !== undefined && last[1] === type) last[0]++;
      else groups.push([1, type]);
    }
    const locals = new ByteWriter().unsigned(groups.length);
    for (const [count, type] of groups) locals.unsigned(count).byte(type);
    const size = locals.length + this.code.length + 1;
    return new ByteWriter().unsigned(size).all(locals.bytes).all(this.code.bytes).byte(op.end).bytes;
  }
}

/** A function of the host that a module calls: (float64…) → float64, or another signature. */
export interface ImportedFunction {
  /** What stands for it in a worker thread: a matrix product or a function of Math. Absent: only the main thread can call it. */
  readonly name?: string;
  readonly params: readonly number[];
  readonly results: readonly number[];
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- its signature is stated in numbers above.
  readonly call: (...args: any[]) => unknown;
}

export type Exports = Record<string, (...args: number[]) => number>;

/** A module that imports the memory and host functions, and exports functions of its own. */
export class ModuleBuilder {
  private readonly types: string[] = [];
  private readonly imports: ImportedFunction[] = [];
  private readonly bodies: { readonly body: FunctionBody; readonly name: string | null }[] = [];
  private sealed = false;

  /** @param work - Address of the room for packed panels, which the module imports as a global: each thread has its own. */
  constructor(
    private readonly shared: boolean,
    private readonly work: number | null = null,
  ) {}

  /** Index of an imported function. All imports come before the first function. */
  import(f: ImportedFunction): number {
    if (this.sealed) throw new Error("ModuleBuilder: imports come before functions");
    return this.imports.push(f) - 1;
  }

  /** Index of a function. */
  add(body: FunctionBody, name: string | null = null): number {
    this.sealed = true;
    return this.imports.length + this.bodies.push({ body, name }) - 1;
  }

  /** Compiles it for `memory`; the exported functions by their names. */
  instantiate(memory: WebAssembly.Memory): Exports {
    return this.build(memory).exports;
  }

  /** The module too, and what stands for its imports elsewhere. */
  build(memory: WebAssembly.Memory): { module: WebAssembly.Module; imports: (string | null)[]; exports: Exports } {
    const module = new WebAssembly.Module(this.encode());
    const host: Record<string, WebAssembly.ImportValue> = { memory };
    if (this.work !== null) host.work = this.work;
    this.imports.forEach((f, i) => (host[i] = f.call as () => void));
    const { exports } = new WebAssembly.Instance(module, { host });
    return { module, imports: this.imports.map(({ name }) => name ?? null), exports: exports as Exports };
  }

  encode(): Uint8Array<ArrayBuffer> {
    const imported = this.imports.map((f) => this.type(f.params, f.results));
    const own = this.bodies.map(({ body }) => this.type(body.params, body.results));
    const module = new ByteWriter().all([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
    const section = (id: number, entries: readonly ArrayLike<number>[]): void => {
      if (entries.length === 0) return;
      const content = new ByteWriter().list(entries).bytes;
      module.byte(id).unsigned(content.length).all(content);
    };
    const importOf = (name: string): ByteWriter => new ByteWriter().text("host").text(name);
    section(
      1,
      this.types.map((type) => type.split(",").map(Number)),
    );
    section(2, [
      importOf("memory")
        .all([2, this.shared ? 3 : 1, 1])
        .unsigned(maximumPages).bytes,
      ...(this.work === null ? [] : [importOf("work").all([3, i32, 0]).bytes]),
      ...imported.map((type, i) => importOf(String(i)).byte(0).unsigned(type).bytes),
    ]);
    section(
      3,
      own.map((type) => new ByteWriter().unsigned(type).bytes),
    );
    section(
      7,
      this.bodies.flatMap(({ name }, i) =>
        name === null
          ? []
          : [
              new ByteWriter()
                .text(name)
                .byte(0)
                .unsigned(this.imports.length + i).bytes,
            ],
      ),
    );
    section(
      10,
      this.bodies.map(({ body }) => body.encode()),
    );
    return module.bytes;
  }

  private type(params: readonly number[], results: readonly number[]): number {
    // All below 128: numbers are their own LEB128.
    const key = [0x60, params.length, ...params, results.length, ...results].join();
    const known = this.types.indexOf(key);
    return known >= 0 ? known : this.types.push(key) - 1;
  }
}
