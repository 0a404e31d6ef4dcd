/** A library believes every address: what is not an array of the right kind and length must never get there. */

/** @throws TypeError if `data` is not an array of `dtype` with at least `length` elements. */
export function requireArray(
  function_: string,
  dtype: "float32" | "float64",
  data: unknown,
  length: number,
  argument: string,
): void {
  const kind = dtype === "float32" ? Float32Array : Float64Array;
  if (!(data instanceof kind)) {
    throw new TypeError(
      `${function_}: ${argument} is ${typeof data === "object" && data !== null ? data.constructor.name : String(data)}; wants a ${kind.name}.`,
    );
  }
  if (data.length < length) {
    throw new TypeError(`${function_}: ${argument} has ${data.length} elements; wants at least ${length}.`);
  }
}
