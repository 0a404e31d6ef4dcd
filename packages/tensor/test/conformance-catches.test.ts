/** The conformance suite finds what it is there to find: each statement fails for a primitive or a backend that breaks it. */

import { describe, expect, test } from "vitest";
import {
  bind,
  cpu,
  definePrimitive,
  type Aval,
  type Backend,
  type Operand,
  type Primitive,
  type PrimitiveRecord,
  type Tensor,
  type TypedArray,
} from "@curv/tensor";
import { conformance } from "@curv/tensor/testing";
import * as checks from "../src/testing/checks.js";
import { entry, floats, type Example } from "../src/testing/example.js";
import { real } from "../src/testing/operand.js";
import type { Situation } from "../src/testing/situation.js";

/** x³ y with rules that can be replaced by wrong ones. */
function product(wrong: Partial<PrimitiveRecord<null>>): Primitive<null> {
  const primitive: Primitive<null> = definePrimitive<null>({
    name: "product",
    shape: ([x]) => [x],
    jvp: ([x, y], [dx, dy], _params, [z]) => {
      const fromX = dx === null ? null : dx.mul(x.square()).mul(y).mul(3);
      const fromY = dy === null ? null : dy.mul(z).div(y);
      return [fromX === null ? fromY : fromY === null ? fromX : fromX.add(fromY)];
    },
    batch: (inputs, batched, _params, size) =>
      bind(
        primitive,
        inputs.map((x, i) => (batched[i] ? x : x.broadcastTo([size, ...x.shape]))),
        null,
      ),
    lower: ([x, y]) => [x.buffer.map((v, i) => v ** 3 * y.buffer[i])],
    ...wrong,
  });
  return primitive;
}

function situation(primitive: Primitive, backend: Backend = cpu): Situation {
  const example: Example = { params: null, operands: [real([3], 0.5, 2), real([3], 0.5, 2)] };
  return {
    backend,
    dtype: "float64",
    entry: entry(primitive, floats, { ulps: 4 }, [example]),
    example,
    tolerance: 1,
    sameBits: true,
  };
}

const every = [
  checks.checkValue,
  checks.checkJvp,
  checks.checkTranspose,
  checks.checkSecondOrder,
  checks.checkSymbolicZeros,
  checks.checkVmap,
  checks.checkVmapOfDerivatives,
  checks.checkJit,
  checks.checkJitOfDerivatives,
];

test("a right primitive passes every check", async () => {
  for (const check of every) await check(situation(product({})));
});

type Rule = NonNullable<PrimitiveRecord<null>["jvp"]>;

/** The right rule, its result changed. */
const changed =
  (change: (dz: Tensor, x: Tensor) => Tensor): Rule =>
  ([x, y], [dx, dy], params, outs) => {
    const [dz] = product({}).jvp!([x, y], [dx, dy], params, outs);
    return [change(dz!, x)];
  };

test.each<[string, (s: Situation) => Promise<void>, Partial<PrimitiveRecord<null>>]>([
  ["a derivative off by 1e-6", checks.checkJvp, { jvp: changed((dz) => dz.mul(1 + 1e-6)) }],
  [
    "a derivative that stops at first order",
    checks.checkSecondOrder,
    { jvp: ([x], [dx], _p, [z]) => [(dx ?? x).mul(z.cast("float32").cast("float64"))] },
  ],
  ["a batch that drops its axis", checks.checkVmap, { batch: (inputs) => inputs.slice(0, 1) }],
  [
    "a zero tangent that was not expected",
    checks.checkSymbolicZeros,
    { jvp: ([x, y], [dx, dy], _p, [z]) => [dx!.mul(x.square()).mul(y).mul(3).add(dy!.mul(z).div(y))] },
  ],
  [
    "a zero tangent that is taken for a one",
    checks.checkSymbolicZeros,
    {
      jvp: ([x, y], [dx, dy], _p, [z]) => [
        (dx ?? x)
          .mul(x.square())
          .mul(y)
          .mul(3)
          .add(dy === null ? 0 : dy.mul(z).div(y)),
      ],
    },
  ],
])("finds %s", async (_title, check, wrong) => {
  await expect(check(situation(product(wrong)))).rejects.toThrow();
});

test("finds a transpose rule that does not belong to its jvp rule", async () => {
  const double: Primitive<null> = definePrimitive<null>({
    name: "double",
    shape: ([x]) => [x],
    jvp: (_primals, [dx]) => bind(double, [dx!], null),
    transpose: ([ct]) => [ct!.mul(2 + 1e-11)],
    lower: ([x]) => [x.buffer.map((v) => 2 * v)],
  });
  const example: Example = { params: null, operands: [real([3])] };
  const wrong = { ...situation(double), entry: entry(double, floats, {}, [example]), example };
  await expect(checks.checkTranspose(wrong)).rejects.toThrow("⟨u, Jv⟩");
});

/**
 * The CPU in float32 only, read asynchronously, with two functions missing and, if so wanted, one wrong. It refuses tensors without
 * elements, which must never reach a backend.
 */
class SmallBackend implements Backend {
  readonly kind = "small";
  readonly capabilities: Backend["capabilities"] = {
    dtypes: ["float32", "int32", "uint32", "bool"],
    syncRead: false,
    nonFinite: true,
    subnormals: true,
    largestLaunch: 2 ** 24,
  };
  private readonly elements = new WeakMap<object, TypedArray>();

  constructor(
    readonly name: string,
    private readonly broken: string | null = null,
  ) {}

  supports({ name }: Primitive): boolean {
    // The derivative of gamma samples is computed in float64.
    return name !== "erfinv" && name !== "gamma";
  }
  upload(data: TypedArray): object {
    if (data.length === 0) throw new Error("an empty tensor reached the backend");
    const handle = {};
    this.elements.set(handle, data.slice());
    return handle;
  }
  async download({ buffer }: Operand): Promise<TypedArray> {
    await Promise.resolve();
    return this.elements.get(buffer as object)!;
  }
  run(primitive: Primitive, inputs: readonly Operand[], params: unknown, outs: readonly Aval[]): readonly object[] {
    const host = inputs.map(({ shape, dtype, weak, buffer }) => ({
      shape,
      dtype,
      weak,
      buffer: this.elements.get(buffer as object)!,
    }));
    const results = cpu.run(primitive, host, params, outs) as readonly TypedArray[];
    if (primitive.name === this.broken) for (const y of results) y[0] *= 1 + 1e-6;
    return results.map((data) => this.upload(data));
  }
  free(handle: object): void {
    this.elements.delete(handle);
  }
}

test("finds a kernel that is off by eight units in the last place", async () => {
  const broken = new SmallBackend("broken", "product");
  const wrong = { ...situation(product({}), broken), dtype: "float32" as const };
  await expect(checks.checkValue(wrong)).rejects.toThrow("element 0");
  await checks.checkValue({ ...wrong, backend: new SmallBackend("right") });
});

describe("on a backend that reads asynchronously", () => {
  conformance(new SmallBackend("small"), { dtypes: ["float32", "int32", "uint32"] });
});
