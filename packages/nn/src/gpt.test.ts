/** The language model: what it sees, that it learns, and what it writes. */

import { isCurvError, jit, logSoftmax, oneHot, softmax, tensor, valueAndGrad, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import * as tree from "@curv/tensor/tree";
import * as nn from "@curv/nn";
import { describe, expect, test } from "vitest";

const [paramsKey, drawKey] = random.split(random.key(8), 2);
const distance = (x: Tensor, y: Tensor): number => x.sub(y).abs().max().itemSync();
const int32 = (data: readonly number[] | readonly number[][]): Tensor => tensor(data, { dtype: "int32" });

describe("gpt", () => {
  const options = { vocabulary: 7, length: 6, features: 8, heads: 2, layers: 3 };
  const model = nn.gpt(options);
  const params = model.init(paramsKey, { dtype: "float64" });

  test("has V·F + L·F + layers·(12 F² + 13 F) + 2 F parameters, and V·F more if not tied", () => {
    expect(tree.size(params)).toBe(7 * 8 + 6 * 8 + 3 * (12 * 64 + 13 * 8) + 2 * 8);
    const untied = nn.gpt({ ...options, tied: false }).init(paramsKey);
    expect(tree.size(untied) - tree.size(params)).toBe(7 * 8);
  });

  test("logits depend on the tokens so far alone, and on all of them", () => {
    const tokens = [1, 2, 3, 4, 5, 6];
    const logits = model.apply(params, int32(tokens));
    for (let t = 0; t < 6; t++) {
      const changed = model.apply(params, int32(tokens.with(t, 0)));
      if (t > 0) expect(distance(logits.slice([0, t]), changed.slice([0, t]))).toBe(0);
      for (let s = t; s < 6; s++) expect(distance(logits.slice(s), changed.slice(s))).toBeGreaterThan(1e-6);
      expect(distance(model.apply(params, int32(tokens.slice(0, t + 1))), logits.slice([0, t + 1]))).toBeLessThan(
        1e-13,
      );
    }
  });

  test("starts with logits of variance about 1, whatever the depth", () => {
    for (const layers of [1, 12]) {
      const deep = nn.gpt({ vocabulary: 50, length: 32, features: 32, heads: 4, layers });
      const logits = deep.apply(deep.init(paramsKey), random.randint(drawKey, 0, 50, { shape: [4, 32] }));
      const variance = logits.sub(logits.mean()).square().mean().itemSync();
      expect(variance).toBeGreaterThan(0.6);
      expect(variance).toBeLessThan(1.6);
    }
  });

  test("taps see the parts by the names of their parameters", () => {
    const seen: string[] = [];
    const untied = nn.gpt({ ...options, layers: 1, tied: false });
    untied.apply(untied.init(paramsKey), int32([1]), {
      tap: (y, { path }) => (path.length <= 2 && seen.push(path.join(".")), y),
    });
    expect(seen).toEqual(["embedding", "positions", "blocks.0", "blocks", "norm", "head"]);
  });
});

describe("generate", () => {
  const model = nn.gpt({ vocabulary: 5, length: 8, features: 16, heads: 2, layers: 1 });
  /** A 2 may be followed by 0, 1, 2 and 4: one token is not enough to go on. */
  const pattern = [0, 2, 2, 1, 3, 2, 4, 2];
  const text = Array.from({ length: 64 }, (_, i) => pattern[i % pattern.length]);

  /** Steps of gradient descent with momentum, on all windows of the text. */
  function train(steps: number): nn.GptParams {
    const starts = [0, 1, 2, 3, 4, 5, 6, 7];
    const x = int32(starts.map((s) => text.slice(s, s + 8)));
    const y = oneHot(int32(starts.map((s) => text.slice(s + 1, s + 9))), 5);
    const loss = (p: nn.GptParams): Tensor => logSoftmax(model.apply(p, x)).mul(y).sum(-1).mean().neg();
    const step = jit((p: nn.GptParams, velocity: nn.GptParams) => {
      const { value, grad } = valueAndGrad(loss)(p);
      const next = tree.axpy(0.9, velocity, grad);
      return { value, params: tree.axpy(-0.1, next, p), velocity: next };
    });
    let params = model.init(paramsKey);
    let velocity = tree.zerosLike(params);
    for (let i = 0; i < steps; i++) ({ params, velocity } = step(params, velocity));
    return params;
  }

  test("a trained model goes on with the pattern, far beyond what it sees at once", { timeout: 30_000 }, async () => {
    const written = await nn.generate(model, train(150), text.slice(0, 5), { count: 24 });
    expect(written).toEqual(text.slice(5, 29));
  });

  const params = model.init(paramsKey);

  test("draws from softmax(logits/temperature) of the last position", { timeout: 30_000 }, async () => {
    const prompt = [3, 1, 4];
    const counts = new Array<number>(5).fill(0);
    const n = 400;
    for (const key of random.split(drawKey, n)) {
      const [token] = await nn.generate(model, params, prompt, { count: 1, temperature: 0.5, key });
      counts[token] += 1;
    }
    const wanted = softmax(model.apply(params, int32(prompt)).slice(2).div(0.5)).dataSync();
    counts.forEach((count, token) => {
      const p = wanted[token];
      expect(Math.abs(count / n - p)).toBeLessThan(5 * Math.sqrt((p * (1 - p)) / n));
    });
  });

  test("the same key gives the same text, another key another, and steps draw independently", async () => {
    const write = (key: random.Key): Promise<number[]> =>
      nn.generate(model, params, [0], { count: 20, temperature: 3, key });
    const first = await write(drawKey);
    expect(await write(drawKey)).toEqual(first);
    expect(await write(paramsKey)).not.toEqual(first);
    expect(new Set(first).size).toBeGreaterThan(2);
  });

  test("tells each token, and stops at a signal", async () => {
    const controller = new AbortController();
    const told: nn.GenerateProgress[] = [];
    const run = nn.generate(model, params, [0], {
      count: 100,
      signal: controller.signal,
      onProgress: (progress) => {
        told.push(progress);
        if (progress.generated === 3) controller.abort(new Error("enough"));
      },
    });
    await expect(run).rejects.toThrow("enough");
    expect(told.map(({ generated }) => generated)).toEqual([1, 2, 3]);
    const all = await nn.generate(model, params, [0], { count: 3 });
    expect(told.map(({ token }) => token)).toEqual(all);
  });

  const nan = tree.map((leaf: Tensor) => leaf.mul(NaN), params);
  test.each([
    ["generate: prompt is empty; wants an array of at least one token.", "CURV_DOMAIN", () => nn.generate(model, params, [], { count: 1 })],
    ["generate: prompt[1] is 5; wants a token in 0 to 4.", "CURV_DOMAIN", () => nn.generate(model, params, [0, 5], { count: 1 })],
    ["generate: count is 0; wants an integer >= 1.", "CURV_DOMAIN", () => nn.generate(model, params, [0], { count: 0 })],
    ["generate: temperature is -1; wants a finite number >= 0.", "CURV_DOMAIN", () => nn.generate(model, params, [0], { count: 1, temperature: -1 })],
    ["generate: key is missing; temperature 1 wants {key}, temperature 0 none.", "CURV_TREE", () => nn.generate(model, params, [0], { count: 1, temperature: 1 })],
    ["generate: the logits after token 0 are not finite; check params.", "CURV_DOMAIN", () => nn.generate(model, nan, [0], { count: 1 })],
    ["generate: the logits after token 0 are not finite; check params.", "CURV_DOMAIN", () => nn.generate(model, nan, [0], { count: 1, temperature: 1, key: drawKey })],
  ] as const)("%s", async (message, code, call) => {
    const error: unknown = await call().catch((e: unknown) => e);
    expect((error as Error).message).toBe(message);
    expect(isCurvError(error, code)).toBe(true);
  }); // prettier-ignore
});
