/** Transformations of functions. */

export { grad, hessian, hvp, jacfwd, jacrev, valueAndGrad, type GradOptions } from "./grad.js";
export { jvp } from "./jvp.js";
export { linearTranspose, linearize, vjp } from "./linearize.js";
export { vmap, type AxisSpec, type VmapOptions } from "./vmap.js";
export { configure, jit, makeGraph, type JitOptions, type Jitted } from "./jit.js";
export { cond, forLoop, scan, whileLoop, type Lifted, type ScanOptions, type WhileOptions } from "./control.js";
export { checkpoint } from "./checkpoint.js";
export { customJvp, customVjp } from "./custom.js";
export { customLinearSolve, customRoot, type LinearSystem, type RootOptions } from "./linear-solve.js";
export { formatGraph, subgraphs, Variable, type Atom, type Equation, type Graph } from "./graph.js";
