/** What a run has done so far, in a folder: a run that was stopped goes on from there, to the same numbers, bit for bit. */

import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { deserialize, serialize } from "node:v8";
import { UsageError } from "app-frame";
import { isTensor, tensor } from "@curv/tensor";
import type { Settings } from "./settings.js";

/** Does work unless its result is known. */
export type Keep = <T>(name: string, work: () => Promise<T>) => Promise<T>;

export interface Checkpoint {
  /** The result of the work of this name: from the folder if it was done before, else done now, and written. */
  readonly keep: Keep;
  readonly read: <T>(name: string) => Promise<T | undefined>;
  readonly write: (name: string, value: unknown) => Promise<void>;
}

/** Remembers nothing. */
export const noCheckpoint: Checkpoint = {
  keep: (_, work) => work(),
  read: () => Promise.resolve(undefined),
  write: () => Promise.resolve(),
};

/**
 * The checkpoint in a folder, which need not be there.
 *
 * @throws UsageError where the folder is of a run with other settings.
 */
export async function openCheckpoint(folder: string, settings: Settings): Promise<Checkpoint> {
  await mkdir(folder, { recursive: true });
  const of = join(folder, "settings.json");
  const now = JSON.stringify(settings);
  const before = await contentOf(of);
  if (before !== undefined && before.toString() !== now) {
    throw new UsageError(
      `--checkpoint ${folder} is of a run with other options; wants the same ones, or another folder`,
    );
  }
  await writeFile(of, now);
  const fileOf = (name: string): string => join(folder, `${name.replace(/[^A-Za-z0-9.]+/g, "-")}.bin`);
  const read = async <T>(name: string): Promise<T | undefined> => {
    const content = await contentOf(fileOf(name));
    return content === undefined ? undefined : (decode(deserialize(content)) as T);
  };
  const write = async (name: string, value: unknown): Promise<void> => {
    // A run that is killed here leaves the file as it was.
    const half = `${fileOf(name)}.half`;
    await writeFile(half, serialize(await encode(value)));
    await rename(half, fileOf(name));
  };
  const keep: Keep = async (name, work) => {
    const known = await read<{ readonly value: Awaited<ReturnType<typeof work>> }>(name);
    if (known !== undefined) return known.value;
    const value = await work();
    await write(name, { value });
    return value;
  };
  return { keep, read, write };
}

async function contentOf(file: string): Promise<Buffer | undefined> {
  try {
    return await readFile(file);
  } catch (error) {
    if ((error as { code?: unknown }).code === "ENOENT") return undefined;
    throw error;
  }
}

/** Marks a tensor in what is written. */
const mark = "$tensor";

/** A value of plain objects, arrays, maps, numbers and tensors, with the numbers of the tensors in their places. */
async function encode(value: unknown): Promise<unknown> {
  if (isTensor(value)) return { [mark]: value.dtype, shape: [...value.shape], data: await value.data() };
  if (Array.isArray(value)) return Promise.all(value.map(encode));
  if (value instanceof Map) return new Map((await encode([...value])) as [unknown, unknown][]);
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return value;
  const entries = Object.entries(value).map(async ([name, part]) => [name, await encode(part)] as const);
  return Object.fromEntries(await Promise.all(entries));
}

function decode(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(decode);
  if (value instanceof Map) return new Map([...value].map(([name, part]) => [name, decode(part)]));
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return value;
  if (mark in value) {
    const { [mark]: dtype, shape, data } = value as { $tensor: "float32"; shape: number[]; data: Float32Array };
    return tensor(data, { shape, dtype });
  }
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, decode(part)]));
}
