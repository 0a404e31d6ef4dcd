/** Tests that run on the fake card: skipped, with the reason, where it cannot be made. */

import { afterAll, beforeEach, describe, vi } from "vitest";
import { cuda, type CudaBackend } from "../../src/index.js";
import { fakeCard, type FakeCard } from "./build.js";

export interface OnCard {
  readonly card: FakeCard;
  /** One backend for all tests of the file, opened by the first that asks for it. */
  readonly backend: () => CudaBackend;
}

/** Describes tests on the fake card. Most of their time is g++, which compiles each kernel once a checkout. */
export function onFakeCard(tests: (on: OnCard) => void): void {
  vi.setConfig({ testTimeout: 300_000 });
  const card = fakeCard();
  describe("on the fake card", () => {
    beforeEach(({ skip }) => skip(typeof card === "string", String(card)));
    let opened: CudaBackend | null = null;
    tests({ card: card as FakeCard, backend: () => (opened ??= cuda()) });
    afterAll(() => {
      if (typeof card !== "string") card.setWarpSeed(0);
      opened?.dispose();
    });
  });
}
