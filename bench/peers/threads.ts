/** Curv with more threads, as a peer of Curv with one: in a process of its own, because the number of threads is the process's. */

import { setThreads } from "@curv/tensor";
import type { Contender, Peer } from "../comparison.js";

export function threadsPeer(count: number, make: (name: string) => Contender): Peer {
  return {
    name: `curv-threads ${count}`,
    prepare: () => {
      setThreads(count);
      return make(`curv-threads ${count}`);
    },
  };
}
