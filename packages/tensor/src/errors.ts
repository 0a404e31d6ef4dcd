/** The errors of every Curv package: one small hierarchy, each with a stable code and a brand that survives duplicate installs. */

const brand = /* @__PURE__ */ Symbol.for("curv.error");

/** Stable codes of the errors, for tests that must not depend on message texts. */
export type CurvErrorCode =
  | "CURV_SHAPE"
  | "CURV_DTYPE"
  | "CURV_BACKEND"
  | "CURV_DOMAIN"
  | "CURV_CONVERGENCE"
  | "CURV_TRACING"
  | "CURV_TREE"
  | "CURV_FORMAT";

/** What all errors of Curv share. Test for one with {@link isCurvError}, which also knows errors of another copy of the package. */
export abstract class CurvError extends Error {
  /** Stable across versions. */
  abstract readonly code: CurvErrorCode;

  static {
    Object.defineProperty(this.prototype, brand, { value: true });
  }
}

/** Shapes, ranks, axes or lengths do not fit. */
export class ShapeError extends CurvError {
  override readonly name = "ShapeError";
  readonly code = "CURV_SHAPE";
}

/** An element type is unknown, or not allowed here. */
export class DTypeError extends CurvError {
  override readonly name = "DTypeError";
  readonly code = "CURV_DTYPE";
}

/** A backend is missing, cannot do what is asked, or two backends are mixed. */
export class BackendError extends CurvError {
  override readonly name = "BackendError";
  readonly code = "CURV_BACKEND";
}

/** A value lies outside the domain of the function: a negative size, a singular matrix, NaN given to a solver. */
export class DomainError extends CurvError {
  override readonly name = "DomainError";
  readonly code = "CURV_DOMAIN";
}

/** An iterative method did not reach its tolerance. */
export class ConvergenceError extends CurvError {
  override readonly name = "ConvergenceError";
  readonly code = "CURV_CONVERGENCE";
}

/** A traced value is used where or when it cannot be: after its transformation returned, or as a JavaScript number. */
export class TracingError extends CurvError {
  override readonly name = "TracingError";
  readonly code = "CURV_TRACING";
}

/** A value is not a tree of tensors, or two trees differ in structure. */
export class TreeError extends CurvError {
  override readonly name = "TreeError";
  readonly code = "CURV_TREE";
}

/** A file does not follow its format. */
export class FormatError extends CurvError {
  override readonly name = "FormatError";
  readonly code = "CURV_FORMAT";
}

/**
 * Whether `error` comes from a Curv package, and, with `code`, whether it is of that kind.
 *
 * @example
 * try { await solve(A, b).data(); } catch (error) { if (!isCurvError(error, "CURV_DOMAIN")) throw error; }
 */
export function isCurvError(error: unknown, code?: CurvErrorCode): error is CurvError {
  if (typeof error !== "object" || error === null || !(brand in error)) return false;
  return code === undefined || (error as unknown as CurvError).code === code;
}
