/** Text from a language model. */

import { DomainError, dynamicSlice, isFinite, jit, tensor, TreeError, where, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { checkNonNegative, checkSize } from "./arguments.js";
import type { Gpt, GptParams } from "./gpt.js";

export interface GenerateOptions {
  /** Number of tokens to append. */
  readonly count: number;
  /** Logits are divided by it before a token is drawn. Default 0: always the likeliest token. */
  readonly temperature?: number;
  /** Needed unless the temperature is 0. The same key gives the same text. */
  readonly key?: random.Key;
  /** Stops after the token at hand: the promise is rejected with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Called with each token as it comes. */
  readonly onProgress?: (progress: GenerateProgress) => void;
}

export interface GenerateProgress {
  /** The newest token. */
  readonly token: number;
  /** How many there are. */
  readonly generated: number;
}

/**
 * `count` tokens after `prompt`, each drawn from softmax(logits/temperature) given the last `length` tokens before it, which is what the
 * model sees at once.
 *
 * Compiled once for each model; costs a forward pass over `length` positions a token, and leaves the event loop breathing between tokens.
 *
 * @param prompt - At least one token, each in 0 … vocabulary − 1.
 * @returns The new tokens.
 * @throws DomainError for a bad prompt or option, or where the model's logits are not finite; TreeError without a key.
 *
 * @example
 * const text = await generate(model, params, [...prompt], { count: 200, temperature: 0.8, key: random.key(0) });
 */
export async function generate(
  model: Gpt,
  params: GptParams,
  prompt: readonly number[],
  options: GenerateOptions,
): Promise<number[]> {
  const { count, temperature = 0, key, signal, onProgress } = options;
  const { vocabulary, length } = model.options;
  checkSize(count, "generate", "count");
  checkNonNegative(temperature, "generate", "temperature");
  checkPrompt(prompt, vocabulary);
  if (temperature > 0 && key === undefined) {
    throw new TreeError(`generate: key is missing; temperature ${temperature} wants {key}, temperature 0 none.`);
  }
  const step = stepOf(model);
  const text = [...prompt];
  for (let i = 0; i < count; i++) {
    const seen = text.slice(-length);
    // Of fixed length, so that one compiled function serves all steps; what stands after the last token is not seen.
    const window = tensor([...seen, ...new Array<number>(length - seen.length).fill(0)], { dtype: "int32" });
    const last = tensor(seen.length - 1, { dtype: "int32" });
    const drawing = { key: random.foldIn(key ?? random.key(0), i), temperature, greedy: temperature === 0 };
    const { token, allFinite } = await step.async(params, window, last, drawing, ...(signal ? [{ signal }] : []));
    if (!(await allFinite.item())) {
      throw new DomainError(`generate: the logits after token ${text.length - 1} are not finite; check params.`);
    }
    text.push(Number(await token.item()));
    onProgress?.({ token: text[text.length - 1], generated: i + 1 });
  }
  return text.slice(prompt.length);
}

function checkPrompt(prompt: readonly number[], vocabulary: number): void {
  if (!Array.isArray(prompt) || prompt.length === 0) {
    throw new DomainError("generate: prompt is empty; wants an array of at least one token.");
  }
  const wrong = prompt.findIndex((token) => !Number.isInteger(token) || token < 0 || token >= vocabulary);
  if (wrong >= 0) {
    throw new DomainError(
      `generate: prompt[${wrong}] is ${String(prompt[wrong])}; wants a token in 0 to ${vocabulary - 1}.`,
    );
  }
}

interface Drawing {
  readonly key: random.Key;
  readonly temperature: number;
  readonly greedy: boolean;
}

type Step = (params: GptParams, window: Tensor, last: Tensor, drawing: Drawing) => { token: Tensor; allFinite: Tensor };

/** The token after position `last` of a window. */
function makeStep(model: Gpt): ReturnType<typeof jit<Parameters<Step>, ReturnType<Step>>> {
  return jit((params, window, last, { key, temperature, greedy }) => {
    const all = model.apply(params, window);
    const [, vocabulary] = all.shape;
    const logits = dynamicSlice(all, [last, 0], [1, vocabulary]).reshape(vocabulary);
    const finite = isFinite(logits);
    const token = greedy ? logits.argMax() : random.categorical(key, where(finite, logits.div(temperature), 0));
    return { token, allFinite: finite.all() };
  });
}

const steps = new WeakMap<Gpt, ReturnType<typeof makeStep>>();

function stepOf(model: Gpt): ReturnType<typeof makeStep> {
  const known = steps.get(model) ?? makeStep(model);
  steps.set(model, known);
  return known;
}
