/** Faults of a device, brought about where it is used. */

import type { GpujsBackend } from "../../src/index.js";

/** An error as it is told to a test. */
export interface Failure {
  readonly name: string;
  readonly reason: string;
  readonly message: string;
}

/** The error that is thrown, now or later. */
export async function failureOf(f: () => Promise<unknown>): Promise<Failure> {
  try {
    await f();
  } catch (error) {
    const { name, message, reason = "none" } = error as Error & { reason?: string };
    return { name, reason, message };
  }
  return { name: "none", reason: "nothing was thrown", message: "" };
}

type Method = (...args: never[]) => unknown;

/**
 * While f runs, the driver is asked for the largest array that it knows in place of every array of 4000 bytes or more, and refuses: SwiftShader
 * has 1 GiB for one allocation and needs some of it for itself. So the errors are the driver's own, from where they really arise.
 */
export async function starve<T>({ engine }: GpujsBackend, f: () => Promise<T>): Promise<T> {
  const { device } = engine.context as { device?: { limits: { maxBufferSize: number } } };
  const [target, replaced] =
    device === undefined
      ? [engine.context, largeTextures(engine.context as WebGLRenderingContext)]
      : [device, largeBuffers(device.limits.maxBufferSize)];
  const own = target as Record<string, Method>;
  for (const [name, replace] of Object.entries(replaced)) own[name] = replace(own[name].bind(target));
  try {
    return await f();
  } finally {
    for (const name of Object.keys(replaced)) Reflect.deleteProperty(own, name);
  }
}

function largeBuffers(most: number): Record<string, (real: Method) => Method> {
  const larger =
    (real: Method): Method =>
    (wanted: { readonly size: number }) =>
      real({ ...wanted, size: wanted.size >= 4000 ? most : wanted.size } as never);
  return { createBuffer: larger };
}

/** Four floats a texel, for what a kernel makes first. */
function largeTextures(gl: WebGLRenderingContext): Record<string, (real: Method) => Method> {
  const most = gl.getParameter(gl.MAX_TEXTURE_SIZE) as number;
  const fourFloats = 0x8814;
  const larger =
    (replaced: Readonly<Record<number, number>>) =>
    (real: Method): Method =>
    (...args: number[]) =>
      real(...(args.map((x, i) => (args[3] * args[4] >= 250 ? (replaced[i] ?? x) : x)) as never[]));
  return "texStorage2D" in gl
    ? { texStorage2D: larger({ 2: fourFloats, 3: most, 4: most }) }
    : { texImage2D: larger({ 3: most, 4: most }) };
}
