/** Which package stands on which floor, and what it may therefore import. New packages are added here first. */

/** The lowest floor comes first. */
export const floors = [
  ["tensor"],
  ["backend-blas", "backend-gpujs", "backend-tfjs", "backend-cuda"],
  ["linsolve", "nn", "loss", "bessel", "ode"],
  [
    "hvp",
    "optim",
    "quant",
    "prune",
    "bilevel",
    "ot",
    "gp",
    "lipschitz",
    "rl",
    "pde",
    "diffusion",
    "fields",
    "distributed",
    "eqprop",
    "geometry",
  ],
];

/** Method packages on which other method packages may build. */
const sharedMethods = ["hvp", "optim", "ot", "gp"];

const methodFloor = 3;
const foundationFloor = 2;

/**
 * The floor of a package, or undefined where the table does not know it.
 *
 * @param {string} name - Without the scope: "tensor".
 */
export function floorOf(name) {
  const floor = floors.findIndex((packages) => packages.includes(name));
  return floor === -1 ? undefined : floor;
}

/**
 * Why package `from` may not import package `to`; undefined when it may.
 *
 * @param {string} from
 * @param {string} to
 * @returns {string | undefined}
 */
export function refusal(from, to) {
  const floor = floorOf(from);
  const target = floorOf(to);
  if (floor === undefined) return `${from} stands on no floor; add it to scripts/floors.mjs`;
  if (target === undefined) return `${to} stands on no floor; add it to scripts/floors.mjs`;
  if (from === to || target === 0) return undefined;
  // Methods are plain functions over tensors: who computes them is the user's choice, made elsewhere.
  if (target === 1) return `no package names a backend (${to})`;
  if (floor < methodFloor) return `floor ${floor} may import only tensor`;
  if (target === foundationFloor || sharedMethods.includes(to)) return undefined;
  return `on floor ${methodFloor} only ${sharedMethods.join(", ")} may be imported by others`;
}
