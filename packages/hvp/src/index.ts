/**
 * Curvature of models: Hessian, Gauss-Newton and Fisher operators, spectra, traces and inverse products.
 *
 * @packageDocumentation
 */

export {};
