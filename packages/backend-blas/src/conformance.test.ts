/** Every statement of the conformance suite, with every product and every factorisation by the library, however small. */

import { cpu, useExternalFactorisations } from "@curv/tensor";
import { conformance } from "@curv/tensor/testing";
import { afterAll, beforeAll, test } from "vitest";
import { lapackRoutines, libraryFactorisations } from "./factorisations.js";
import { candidates, findLibrary } from "./find-library.js";
import { integerBits } from "./integer-width.js";
import { registerBlas, unregisterBlas } from "./register.js";

// Those that compute by the library, themselves or in their derivatives; every other one is what it is without (see @curv/tensor's own
// suite). All of them: CURV_BLAS_CONFORMANCE=all.
const byLibrary = [
  "dot", "conv", "cholesky", "triangularSolve", "lu", "qr", "eigh", "svd", "eig", "expm", "expmDerivative",
]; // prettier-ignore

const named = process.env.CURV_BLAS ? [process.env.CURV_BLAS] : (candidates[process.platform] ?? []);
const library = findLibrary(named, ["cblas_dgemm", "cblas_idamax", ...lapackRoutines]);

if ("handle" in library) {
  beforeAll(() => {
    registerBlas({ threads: 1 });
    const factorisations = libraryFactorisations(library, integerBits(library), library.path);
    useExternalFactorisations({ ...factorisations, fewestEntries: 1 });
  });
  afterAll(() => unregisterBlas());
  conformance(cpu, {
    dtypes: ["float64", "float32", "int32", "uint32", "bool"],
    sameBits: false,
    ...(process.env.CURV_BLAS_CONFORMANCE !== "all" && { only: byLibrary }),
  });
} else {
  test("conformance", ({ skip }) => skip(`there is no library with a BLAS and a LAPACK: ${library.join("; ")}`));
}
