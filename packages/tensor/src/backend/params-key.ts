/** Parameters of a primitive as text: the same for what computes the same. JSON has neither −0 nor what is not finite, which differ here. */
export function paramsKey(params: unknown): string {
  return JSON.stringify(params, (_key, value: unknown) =>
    typeof value === "number" && (!Number.isFinite(value) || Object.is(value, -0))
      ? Object.is(value, -0)
        ? "-0"
        : String(value)
      : value,
  );
}
