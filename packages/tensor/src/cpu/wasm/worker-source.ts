/**
 * What a worker thread runs, as source: it needs nothing but what it is sent, and bundlers need not find it.
 *
 * It sleeps until the signal changes. Then, counted as inside, it takes chunks of the open job for as long as there are any. When there is
 * mail it goes back to its event loop, where programs arrive.
 */
export const workerSource = `
"use strict";
const start = ({ memory, control, libraries, work, word }) => {
  const words = new Int32Array(memory.buffer, control, 128);
  const onlyMain = () => { throw new Error("only the main thread can do this"); };
  const instance = (library) => new WebAssembly.Instance(library, { host: { memory, work } }).exports;
  const matmul = Object.assign({}, ...libraries.map(instance));
  const programs = new Map();
  let received = 0;
  const find = (name) => name === null ? onlyMain : name.startsWith("Math.") ? Math[name.slice(5)] : matmul[name];
  const handled = () => {
    received++;
    if (received === Atomics.load(words, word.mail)) serve();
  };
  const receive = ({ id, script, module, imports }) => {
    if (script !== undefined) {
      // A program that cannot be loaded is left to the others.
      import(script).then((m) => { programs.set(id, m.program(memory)); }).catch(() => {}).then(handled);
      return;
    }
    const host = { memory, work };
    imports.forEach((name, i) => { host[i] = find(name); });
    programs.set(id, new WebAssembly.Instance(module, { host }).exports);
    handled();
  };
  const help = () => {
    Atomics.add(words, word.inside, 1);
    try {
      const program = programs.get(words[word.program]);
      if (Atomics.load(words, word.open) === 1 && program !== undefined) {
        const kernel = program["kernel" + words[word.kernel]];
        const base = words[word.base], length = words[word.length], chunk = words[word.chunk];
        for (;;) {
          const start = Atomics.add(words, word.next, chunk);
          if (start >= length) break;
          kernel(base, start, Math.min(length, start + chunk));
        }
      }
    } catch {
      Atomics.store(words, word.failed, 1);
    } finally {
      Atomics.sub(words, word.inside, 1);
      Atomics.notify(words, word.inside);
    }
  };
  const serve = () => {
    let seen = Atomics.load(words, word.signal);
    for (;;) {
      help();
      if (received !== Atomics.load(words, word.mail)) return;
      const spinUntil = performance.now() + 0.05;
      while (Atomics.load(words, word.signal) === seen && performance.now() < spinUntil);
      Atomics.wait(words, word.signal, seen);
      seen = Atomics.load(words, word.signal);
    }
  };
  return receive;
};
if (typeof require === "function") {
  const { parentPort, workerData } = require("node:worker_threads");
  parentPort.on("message", start(workerData));
} else {
  let receive = null;
  onmessage = ({ data }) => { if (receive === null) receive = start(data); else receive(data); };
}
`;
