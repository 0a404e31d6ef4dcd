/**
 * Random numbers as functions of explicit keys. `import * as random from "@curv/tensor/random"`.
 *
 * @packageDocumentation
 */

export { foldIn, key, split, splitKeys, type Key } from "./key.js";
export { bits, bits64, type ShapeOption } from "./bits.js";
export { type SampleOptions } from "./parameters.js";
export { uniform, type UniformOptions } from "./uniform.js";
export { randint, type RandintOptions } from "./randint.js";
export { permutation, type PermutationOptions } from "./permutation.js";
export { choice, type ChoiceOptions } from "./choice.js";
export { bernoulli } from "./bernoulli.js";
export { rademacher, type RademacherOptions } from "./rademacher.js";
export { normal } from "./normal.js";
export { truncatedNormal } from "./truncated-normal.js";
export { multivariateNormal } from "./multivariate-normal.js";
export { exponential } from "./exponential.js";
export { gumbel } from "./gumbel.js";
export { laplace } from "./laplace.js";
export { logistic } from "./logistic.js";
export { cauchy } from "./cauchy.js";
export { pareto } from "./pareto.js";
export { geometric } from "./geometric.js";
export { poisson } from "./poisson.js";
export { binomial } from "./binomial.js";
export { categorical, type CategoricalOptions } from "./categorical.js";
export { gamma, logGamma } from "./gamma.js";
export { beta } from "./beta.js";
export { dirichlet } from "./dirichlet.js";
export { chiSquare } from "./chi-square.js";
export { studentT } from "./student-t.js";
export { orthogonal, type OrthogonalOptions } from "./orthogonal.js";
export { ball, sphere } from "./sphere.js";
