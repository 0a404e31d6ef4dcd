/** Where in an array: a flat index and coordinates, each computed when it is asked for. */

import type { Shape } from "@curv/tensor";
import { sizeOf, stridesOf } from "@curv/tensor/backend";
import type { Code, Expression } from "./code.js";

let count = 0;

/** An expression that is written where it is asked for, so that it is visible there. */
type Lazy = () => Expression;

/** A position in an array of a shape. */
export class Place {
  readonly id: number = count++;
  private readonly derived = new Map<string, Place>();

  private constructor(
    private readonly code: Code,
    readonly shape: Shape,
    private readonly flatIndex: Lazy | null,
    private readonly axes: readonly Lazy[] | null,
  ) {}

  static flat(code: Code, shape: Shape, index: Expression): Place {
    return new Place(code, shape, () => index, null);
  }

  static at(code: Code, shape: Shape, axes: readonly (Expression | Lazy)[]): Place {
    return new Place(
      code,
      shape,
      null,
      axes.map((axis) => (typeof axis === "string" ? () => axis : axis)),
    );
  }

  /** Row-major index. */
  flat(): Expression {
    if (this.flatIndex !== null) return this.flatIndex();
    return this.code.once(`flat ${this.id}`, () =>
      linear(
        this.code,
        this.shape.map((_, i) => this.axis(i)),
        stridesOf(this.shape),
      ),
    );
  }

  axis(i: number): Expression {
    if (this.shape[i] === 1) return "0.0";
    if (this.axes !== null) return this.axes[i]();
    return this.code.once(`axes ${this.id}`, () => split(this.code, this.flatIndex!(), this.shape))[i];
  }

  /** The place that follows from this one by a rule, once for each key, so that equal places are one. */
  derive(key: string, make: () => Place): Place {
    let place = this.derived.get(key);
    if (place === undefined) this.derived.set(key, (place = make()));
    return place;
  }

  /** The same element in another shape. */
  reshaped(shape: Shape): Place {
    return this.derive(`reshape ${shape.join()}`, () => new Place(this.code, shape, () => this.flat(), null));
  }

  /** The element that meets this one when an array of `shape` is broadcast to this shape. */
  broadcastFrom(shape: Shape): Place {
    if (shape.length === this.shape.length && shape.every((n, i) => n === this.shape[i])) return this;
    const offset = this.shape.length - shape.length;
    return this.derive(`broadcast ${shape.join()}`, () =>
      Place.at(
        this.code,
        shape,
        shape.map((_, i) => () => this.axis(offset + i)),
      ),
    );
  }
}

/** Σ indexᵢ·strideᵢ. */
export function linear(code: Code, axes: readonly Expression[], strides: readonly number[], offset = 0): Expression {
  const terms = axes.flatMap((axis, i) =>
    axis === "0.0" || strides[i] === 0 ? [] : [strides[i] === 1 ? axis : code.let(`${axis} * ${strides[i]}.0`)],
  );
  if (offset !== 0 || terms.length === 0) terms.push(offset < 0 ? `(${offset}.0)` : `${offset}.0`);
  let sum = "";
  for (const group of code.outermostFirst(terms)) {
    sum = code.let([...(sum === "" ? [] : [sum]), ...group].join(" + "));
  }
  return sum;
}

/** Above this a quotient may be off by one on hardware whose division is good to 2.5 ulp. */
const exactDivision = 2 ** 20;

/** Coordinates of a flat index. */
export function split(code: Code, index: Expression, shape: Shape): Expression[] {
  const axes = new Array<Expression>(shape.length).fill("0.0");
  let rest = index;
  let size = sizeOf(shape);
  const last = shape.findIndex((n) => n !== 1);
  for (let i = shape.length - 1; i >= 0; i--) {
    const n = shape[i];
    if (n === 1) continue;
    if (i === last) {
      axes[i] = rest;
      break;
    }
    if (size <= exactDivision) {
      const quotient = code.let(`Math.floor((${rest} + 0.5) / ${n}.0)`);
      axes[i] = code.let(`${rest} - ${quotient} * ${n}.0`);
      rest = quotient;
      size /= n;
      continue;
    }
    const quotient = code.variable(`Math.floor((${rest} + 0.5) / ${n}.0)`);
    const remainder = code.variable(`${rest} - ${quotient} * ${n}.0`);
    code.line(`if (${remainder} < 0.0) { ${quotient} = ${quotient} - 1.0; ${remainder} = ${remainder} + ${n}.0; }`);
    code.line(
      `if (${remainder} > ${n - 1}.5) { ${quotient} = ${quotient} + 1.0; ${remainder} = ${remainder} - ${n}.0; }`,
    );
    axes[i] = code.settle(remainder);
    rest = code.settle(quotient);
    size /= n;
  }
  return axes;
}
