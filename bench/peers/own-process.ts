/**
 * JavaScript peers, each library in a process of its own.
 *
 * Libraries in one process change each other's speed: when a WebAssembly memory grows, V8 checks from then on at every read of any typed
 * array whether its memory is gone, which costs Curv some 15 %. The processes take turns as everybody else does.
 */

import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Case, Contender, Peer } from "../comparison.js";

/** What a child is asked: to prepare a peer of a case, or to time one that is prepared. */
export type Question =
  | { readonly prepare: { readonly benchmark: string; readonly case: string; readonly peer: string } }
  | { readonly time: number; readonly calls: number };

export interface Answer {
  readonly error?: string;
  readonly id?: number;
  readonly name?: string;
  readonly values?: readonly number[];
  readonly seconds?: number;
}

const children = new Map<string, ChildProcess>();

/** The case with its JavaScript peers moved out. */
export function isolated(benchmark: string, task: Case): Case {
  return { ...task, peers: task.peers.map((peer) => (peer.ownProcess ? peer : remote(benchmark, task.name, peer))) };
}

function remote(benchmark: string, task: string, peer: Peer): Peer {
  return {
    name: peer.name,
    ownProcess: true,
    prepare: async (): Promise<Contender> => {
      const child = childFor(peer.name.split(" ")[0]);
      const { id, name, values } = await ask(child, { prepare: { benchmark, case: task, peer: peer.name } });
      return {
        name: name!,
        values: () => values!,
        time: async (n) => (await ask(child, { time: id!, calls: n })).seconds!,
      };
    },
  };
}

function childFor(library: string): ChildProcess {
  let child = children.get(library);
  if (child === undefined) {
    // With the flags of this process, so that it reads TypeScript, too.
    child = fork(fileURLToPath(new URL("../serve.ts", import.meta.url)), { serialization: "advanced" });
    children.set(library, child);
  }
  return child;
}

async function ask(child: ChildProcess, question: Question): Promise<Answer> {
  const answer = await new Promise<Answer>((resolve) => {
    const end = (): void => resolve({ error: "its process ended" });
    child.once("exit", end);
    child.once("message", (message) => {
      child.off("exit", end);
      resolve(message as Answer);
    });
    if (!child.connected) end();
    else child.send(question);
  });
  if (answer.error !== undefined) throw new Error(answer.error);
  return answer;
}

/** Ends the children, so that the process can. */
export function stopChildren(): void {
  for (const child of children.values()) child.disconnect();
  children.clear();
}
