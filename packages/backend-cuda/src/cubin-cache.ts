/** Compiled kernels on disk: a cold start compiles, the next one reads. */

import { environment, fileSystem } from "./environment.js";

/** What determines a compiled module, apart from its source. */
export interface CacheKey {
  readonly source: string;
  readonly options: readonly string[];
  /** Of the compiler. */
  readonly version: string;
}

/** Changed when the meaning of a source's surroundings changes. */
const generator = "curv-cuda-1";
const magic = "CURVCUBIN1";
/** Magic, digest of the image, length. */
const headerBytes = 96;

export function sha256(...parts: readonly (string | Uint8Array)[]): string {
  const hash = environment().getBuiltinModule("node:crypto").createHash("sha256");
  for (const part of parts) hash.update(part).update("\0");
  return hash.digest("hex");
}

/** `CURV_CACHE_DIR`, else the system's folder for caches. */
export function cacheFolder(): string {
  const { env, platform } = environment();
  const home = environment().getBuiltinModule("node:os").homedir();
  const base =
    env.CURV_CACHE_DIR ??
    (platform === "win32" ? `${env.LOCALAPPDATA ?? home}/curv` : `${env.XDG_CACHE_HOME ?? `${home}/.cache`}/curv`);
  return `${base}/cuda`;
}

/** A folder of images, bounded in size; the least recently used go first. A folder that cannot be written is no error. */
export class CubinCache {
  private warned = false;
  hits = 0;
  misses = 0;

  constructor(
    readonly folder: string,
    readonly largestBytes: number = 256 * 2 ** 20,
  ) {}

  keyOf({ source, options, version }: CacheKey): string {
    return sha256(generator, source, options.join("\n"), version);
  }

  /** The image of `key`, or what `make` returns, which is kept. */
  get(key: string, make: () => Uint8Array): Uint8Array {
    const known = this.read(key);
    if (known !== null) {
      this.hits++;
      return known;
    }
    this.misses++;
    const image = make();
    this.write(key, image);
    return image;
  }

  private pathOf(key: string): string {
    return `${this.folder}/${key.slice(0, 2)}/${key}.cubin`;
  }

  /** Null if it is not there, cut off, or not what was written. */
  read(key: string): Uint8Array | null {
    const files = fileSystem();
    const path = this.pathOf(key);
    try {
      const bytes = files.readFileSync(path);
      const header = new TextDecoder().decode(bytes.subarray(0, headerBytes));
      const image = new Uint8Array(bytes.subarray(headerBytes));
      if (header !== headerOf(image)) return null;
      const now = new Date();
      try {
        files.utimesSync(path, now, now);
      } catch {
        // Somebody else's folder: it ages as they use it.
      }
      return image;
    } catch {
      return null;
    }
  }

  write(key: string, image: Uint8Array): void {
    const files = fileSystem();
    const path = this.pathOf(key);
    // Written aside and moved, so that two processes never read each other's halves.
    const aside = `${path}.${environment().pid}.${Math.random().toString(36).slice(2)}`;
    try {
      files.mkdirSync(path.slice(0, path.lastIndexOf("/")), { recursive: true });
      const bytes = new Uint8Array(headerBytes + image.length);
      bytes.set(new TextEncoder().encode(headerOf(image)));
      bytes.set(image, headerBytes);
      files.writeFileSync(aside, bytes);
      files.renameSync(aside, path);
    } catch (error) {
      if (this.warned) return;
      this.warned = true;
      // eslint-disable-next-line no-console -- said once; nothing else would tell why every start compiles.
      console.warn(
        `Curv: compiled kernels cannot be kept in ${this.folder} (${String(error).split("\n")[0]}); set CURV_CACHE_DIR.`,
      );
    }
  }

  /** Removes the least recently used images until the folder is within its bound. */
  trim(): void {
    const files = fileSystem();
    const entries: { path: string; size: number; mtimeMs: number }[] = [];
    try {
      for (const part of files.readdirSync(this.folder)) {
        for (const file of files.readdirSync(`${this.folder}/${part}`)) {
          const path = `${this.folder}/${part}/${file}`;
          entries.push({ path, ...pick(files.statSync(path)) });
        }
      }
      let total = entries.reduce((sum, { size }) => sum + size, 0);
      entries.sort((a, b) => a.mtimeMs - b.mtimeMs);
      for (const { path, size } of entries) {
        if (total <= this.largestBytes) break;
        files.unlinkSync(path);
        total -= size;
      }
    } catch {
      // There is no folder yet, or another process trims it too.
    }
  }
}

function pick({ size, mtimeMs }: { readonly size: number; readonly mtimeMs: number }): {
  size: number;
  mtimeMs: number;
} {
  return { size, mtimeMs };
}

function headerOf(image: Uint8Array): string {
  return `${magic} ${sha256(image)} ${image.length}`.padEnd(headerBytes - 1) + "\n";
}
