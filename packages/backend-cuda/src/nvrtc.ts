/** NVRTC: compiles CUDA C at run time, for the card at hand. */

import { CudaError } from "./errors.js";
import { bindAll, checked, type NativeArgument } from "./koffi-bind.js";
import { locate, thisHost, type Host } from "./locate.js";

type NvrtcFunction =
  | "nvrtcVersion"
  | "nvrtcGetNumSupportedArchs"
  | "nvrtcGetSupportedArchs"
  | "nvrtcCreateProgram"
  | "nvrtcCompileProgram"
  | "nvrtcGetProgramLogSize"
  | "nvrtcGetProgramLog"
  | "nvrtcGetCUBINSize"
  | "nvrtcGetCUBIN"
  | "nvrtcGetPTXSize"
  | "nvrtcGetPTX"
  | "nvrtcDestroyProgram";

const pointer = "void *";
const signatures: Readonly<Record<NvrtcFunction, readonly string[]>> = {
  nvrtcVersion: [pointer, pointer],
  nvrtcGetNumSupportedArchs: [pointer],
  nvrtcGetSupportedArchs: [pointer],
  nvrtcCreateProgram: [pointer, "const char *", "const char *", "int", "const char **", "const char **"],
  nvrtcCompileProgram: [pointer, "int", "const char **"],
  nvrtcGetProgramLogSize: [pointer, pointer],
  nvrtcGetProgramLog: [pointer, pointer],
  nvrtcGetCUBINSize: [pointer, pointer],
  nvrtcGetCUBIN: [pointer, pointer],
  nvrtcGetPTXSize: [pointer, pointer],
  nvrtcGetPTX: [pointer, pointer],
  nvrtcDestroyProgram: [pointer],
};

const resultNames: readonly string[] = [
  "SUCCESS",
  "OUT_OF_MEMORY",
  "PROGRAM_CREATION_FAILURE",
  "INVALID_INPUT",
  "INVALID_PROGRAM",
  "INVALID_OPTION",
  "COMPILATION",
  "BUILTIN_OPERATION_FAILURE",
];

/** What a kernel uses of a multiprocessor, as the assembler reports it. */
export interface KernelResources {
  readonly name: string;
  readonly registers: number;
  /** Bytes of registers that did not fit. */
  readonly spilled: number;
  /** Bytes of local memory. */
  readonly stack: number;
}

export interface CompiledModule {
  /** Machine code for one architecture; PTX where the compiler does not know the card. */
  readonly image: Uint8Array;
  readonly resources: readonly KernelResources[];
  readonly log: string;
}

export interface Nvrtc {
  readonly path: string;
  /** As in `13.0`. */
  readonly version: string;
  /** Architectures that it can compile for: 90 is Hopper. */
  readonly architectures: readonly number[];
  /** @throws CudaError with the compiler's log. */
  compile(source: string, architecture: number): CompiledModule;
}

/** Options of every compilation: C++17, exactly rounded division and root, subnormals kept; never fast math. */
export function compileOptions(architecture: number, supported: readonly number[]): readonly string[] {
  // A card newer than the compiler gets PTX for the newest that it knows, which the driver translates.
  const target = supported.includes(architecture)
    ? `sm_${architecture}`
    : `compute_${Math.max(...supported.filter((known) => known <= architecture))}`;
  return [
    `-arch=${target}`,
    "-std=c++17",
    "-default-device",
    "--fmad=true",
    "--ftz=false",
    "--prec-div=true",
    "--prec-sqrt=true",
    "-lineinfo",
    "--ptxas-options=-v",
  ];
}

let opened: Nvrtc | null = null;

/**
 * Finds and loads NVRTC; the second time it is at hand.
 *
 * @throws CudaError with the log of the search.
 */
export function openNvrtc(host: Host = thisHost()): Nvrtc {
  opened ??= load(host);
  return opened;
}

function load(host: Host): Nvrtc {
  const { path, handle } = locate("nvrtc", host);
  const raw = bindAll(handle, path, signatures);
  const refuse = (call: string, result: number): CudaError =>
    new CudaError(`cuda: ${call} returned ${result} (NVRTC_ERROR_${resultNames[result] ?? "unknown"}).`, {
      call,
      result,
      resultName: `NVRTC_ERROR_${resultNames[result] ?? "unknown"}`,
    });
  const call = checked(raw, refuse);
  const [major, minor, count] = [new Int32Array(1), new Int32Array(1), new Int32Array(1)];
  call.nvrtcVersion(major, minor);
  call.nvrtcGetNumSupportedArchs(count);
  const architectures = new Int32Array(count[0]);
  call.nvrtcGetSupportedArchs(architectures);

  const bytesOf = (program: bigint, sizeCall: NvrtcFunction, dataCall: NvrtcFunction): Uint8Array => {
    const length = new BigUint64Array(1);
    call[sizeCall](program, length);
    const bytes = new Uint8Array(Number(length[0]));
    if (bytes.length > 0) call[dataCall](program, bytes);
    return bytes;
  };
  const compile = (source: string, architecture: number): CompiledModule => {
    const program = new BigUint64Array(1);
    const none: NativeArgument = null;
    call.nvrtcCreateProgram(program, source, "curv.cu", 0, none, none);
    try {
      const options = compileOptions(architecture, [...architectures]);
      const result = raw.nvrtcCompileProgram(program[0], options.length, options);
      const log = textOf(bytesOf(program[0], "nvrtcGetProgramLogSize", "nvrtcGetProgramLog"));
      if (result !== 0) {
        const { message, refused } = refuse("nvrtcCompileProgram", result);
        throw new CudaError(`${message}\n${log}\n${numbered(source)}`, refused);
      }
      const cubin = bytesOf(program[0], "nvrtcGetCUBINSize", "nvrtcGetCUBIN");
      const image = cubin.length > 0 ? cubin : bytesOf(program[0], "nvrtcGetPTXSize", "nvrtcGetPTX");
      return { image, log, resources: resourcesIn(log) };
    } finally {
      call.nvrtcDestroyProgram(program);
    }
  };
  return { path, version: `${major[0]}.${minor[0]}`, architectures: [...architectures], compile };
}

function textOf(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end)).trim();
}

function numbered(source: string): string {
  return source
    .split("\n")
    .map((line, i) => `${String(i + 1).padStart(4)} ${line}`)
    .join("\n");
}

/** Reads `ptxas -v`. */
export function resourcesIn(log: string): KernelResources[] {
  const found: KernelResources[] = [];
  let name = "";
  let stack = 0;
  let spilled = 0;
  for (const line of log.split("\n")) {
    name = /Function properties for (\w+)/.exec(line)?.[1] ?? name;
    const frame = /(\d+) bytes stack frame, (\d+) bytes spill stores/.exec(line);
    if (frame !== null) [stack, spilled] = [Number(frame[1]), Number(frame[2])];
    const used = /Used (\d+) registers/.exec(line);
    if (used !== null) found.push({ name, registers: Number(used[1]), spilled, stack });
  }
  return found;
}
