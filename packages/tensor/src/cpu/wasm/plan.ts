/** Where the arrays of a program lie: each lives from its first write to its last read, and gives its place to others then. */

import type { Buffer, Operand, Step, View } from "./program.js";

interface Interval {
  first: number;
  last: number;
}

const alignment = 64;

/**
 * Gives every buffer of the block an offset; bytes of the block.
 *
 * @param header - Bytes at its beginning that are taken.
 */
export function planMemory(
  steps: readonly Step[],
  inputs: readonly View[],
  outputs: readonly View[],
  header: number = 0,
): number {
  const lives = livesOf(steps, inputs, outputs);
  // In the order of their starts, each takes the smallest gap that fits among those that live at the time.
  const ordered = [...lives].sort(([, a], [, b]) => a.first - b.first || a.last - b.last);
  let active: { readonly buffer: Buffer; readonly last: number }[] = [];
  const start = Math.ceil(header / alignment) * alignment;
  let total = start;
  for (const [buffer, { first, last }] of ordered) {
    active = active.filter((other) => other.last >= first);
    buffer.offset = place(
      size(buffer),
      active.map(({ buffer: other }) => other),
      start,
    );
    total = Math.max(total, buffer.offset + size(buffer));
    active.push({ buffer, last });
    active.sort((a, b) => a.buffer.offset - b.buffer.offset);
  }
  return total;
}

function size(buffer: Buffer): number {
  return Math.ceil(buffer.bytes / alignment) * alignment;
}

function place(bytes: number, taken: readonly Buffer[], start: number): number {
  let best = -1;
  let bestGap = Infinity;
  let end = start;
  for (const other of taken) {
    const gap = other.offset - end;
    if (gap >= bytes && gap < bestGap) {
      best = end;
      bestGap = gap;
    }
    end = Math.max(end, other.offset + size(other));
  }
  return best >= 0 ? best : end;
}

function livesOf(steps: readonly Step[], inputs: readonly View[], outputs: readonly View[]): Map<Buffer, Interval> {
  const lives = new Map<Buffer, Interval>();
  let time = 0;
  const touch = (buffer: Buffer): void => {
    if (buffer.fixed || buffer.entry !== null) return;
    const life = lives.get(buffer);
    if (life === undefined) lives.set(buffer, { first: time, last: time });
    else life.last = time;
  };
  const view = ({ buffer }: View): void => touch(buffer);
  const operand = (x: Operand): void => {
    if (x.kind === "load") view(x.view);
  };
  const pairs = (list: readonly { readonly from: View; readonly to: View }[]): void => {
    for (const { from, to } of list) {
      view(from);
      view(to);
    }
  };
  /** What was there before a loop and is used in it must last until its end. */
  const loop = (body: () => void): void => {
    const start = time;
    body();
    time++;
    for (const life of lives.values()) if (life.first < start && life.last >= start) life.last = time;
  };
  const walk = (list: readonly Step[]): void => {
    for (const step of list) {
      time++;
      at(step);
    }
  };
  const at = (step: Step): void => {
    switch (step.kind) {
      case "map":
        for (const { operands } of step.operations) operands.forEach(operand);
        step.stores.forEach(view);
        break;
      case "reduce":
        for (const { operands } of step.operations) operands.forEach(operand);
        operand(step.value);
        view(step.out);
        break;
      case "rows":
        // All at once: the last row of one step is read after the first row of another is written.
        step.steps.forEach(at);
        break;
      case "copy":
        if (typeof step.from !== "number") view(step.from);
        view(step.to);
        break;
      case "matmul":
        view(step.a.view);
        view(step.b.view);
        view(step.out);
        break;
      case "host":
        step.inputs.forEach(view);
        step.outs.forEach(view);
        break;
      case "scan":
        // Carries and stacked outputs are alive in every round.
        pairs(step.stacked.map(({ to }) => ({ from: to, to })));
        pairs(step.carries.map(({ to }) => ({ from: to, to })));
        time++;
        loop(() => {
          pairs(step.rows);
          walk(step.body);
          time++;
          pairs(step.stacked);
          pairs(step.carries);
        });
        break;
      case "while":
        pairs(step.carries.map(({ to }) => ({ from: to, to })));
        time++;
        loop(() => {
          walk(step.condition);
          time++;
          view(step.go);
          walk(step.body);
          time++;
          pairs(step.carries);
        });
        break;
      case "cond":
        view(step.predicate);
        // Both branches write the results.
        for (const branch of step.branches) for (const inner of branch) if (inner.kind === "copy") view(inner.to);
        time++;
        loop(() => step.branches.forEach(walk));
        break;
    }
  };
  inputs.forEach(view);
  walk(steps);
  time++;
  outputs.forEach(view);
  return lives;
}
