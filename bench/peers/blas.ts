/** Curv with the system's BLAS, as a peer of Curv with its own kernels: in a process of its own, because a BLAS serves all of a process. */

import { registerBlas } from "@curv/backend-blas";
import type { Contender, Peer } from "../comparison.js";
import { threads } from "../machine.js";

/** `make` is called when the library is registered. */
export function blasPeer(name: string, make: (described: string) => Contender): Peer {
  return {
    name: `curv-blas ${name}`,
    prepare: () => {
      const { library } = registerBlas({ threads })!;
      return make(`curv-blas ${name} (${library})`);
    },
  };
}
