/**
 * A strict JSON reader for files that nobody vouches for. Unlike `JSON.parse` it refuses repeated keys, does not round numbers, and stops
 * at limits before it has allocated much.
 */

import { FormatError } from "../errors.js";

/** Objects are maps, so that no key is special. */
export type Json = string | number | JsonNumber | boolean | null | Json[] | Map<string, Json>;

/** A number that is no safe integer ≥ 0, as it is written. */
export interface JsonNumber {
  readonly digits: string;
}

export interface JsonLimits {
  /** Most levels of objects and arrays. */
  readonly depth: number;
  /** Most elements of an array. */
  readonly elements: number;
  /** Most keys of an object. */
  readonly keys: number;
  /** Most values altogether. */
  readonly values: number;
}

/**
 * The value that the bytes spell in UTF-8, with nothing but white space around it.
 *
 * @param subject - What the bytes are, for messages.
 * @throws FormatError naming the first byte that is wrong, counted from the start of `bytes`.
 */
export function parseJson(bytes: Uint8Array, subject: string, limits: JsonLimits): Json {
  const reader = new Reader(bytes, subject, limits);
  const value = reader.value(0);
  reader.end();
  return value;
}

/** Codes of the characters that JSON is made of. */
const code = {
  quote: 0x22,
  comma: 0x2c,
  colon: 0x3a,
  openBracket: 0x5b,
  backslash: 0x5c,
  closeBracket: 0x5d,
  openBrace: 0x7b,
  closeBrace: 0x7d,
};

const escapes: Readonly<Record<string, string>> = {
  '"': '"',
  "\\": "\\",
  "/": "/",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
};

const loneSurrogate = /\p{Surrogate}/u;
const integer = /^(0|[1-9][0-9]*)$/;
const number = /^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$/;

class Reader {
  private at = 0;
  private values = 0;
  private readonly decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

  constructor(
    private readonly bytes: Uint8Array,
    private readonly subject: string,
    private readonly limits: JsonLimits,
  ) {}

  value(depth: number): Json {
    this.space();
    if (++this.values > this.limits.values) {
      throw new FormatError(`safetensors: ${this.subject} has more than ${this.limits.values} values.`);
    }
    switch (this.bytes[this.at]) {
      case code.quote:
        return this.string();
      case code.openBrace:
        return this.object(depth + 1);
      case code.openBracket:
        return this.array(depth + 1);
      default:
        return this.word();
    }
  }

  end(): void {
    this.space();
    if (this.at < this.bytes.length) throw this.invalid();
  }

  private object(depth: number): Map<string, Json> {
    this.descend(depth);
    const object = new Map<string, Json>();
    if (this.take(code.closeBrace)) return object;
    do {
      this.space();
      if (this.bytes[this.at] !== code.quote) throw this.invalid();
      const key = this.string();
      if (object.has(key)) throw new FormatError(`safetensors: name ${quote(key)} appears twice.`);
      if (object.size >= this.limits.keys) {
        throw new FormatError(`safetensors: ${this.subject} has more than ${this.limits.keys} names.`);
      }
      if (!this.take(code.colon)) throw this.invalid();
      object.set(key, this.value(depth));
    } while (this.take(code.comma));
    if (!this.take(code.closeBrace)) throw this.invalid();
    return object;
  }

  private array(depth: number): Json[] {
    this.descend(depth);
    const array: Json[] = [];
    if (this.take(code.closeBracket)) return array;
    do {
      if (array.length >= this.limits.elements) {
        throw new FormatError(
          `safetensors: ${this.subject} has an array of more than ${this.limits.elements} elements at byte ${this.at}.`,
        );
      }
      array.push(this.value(depth));
    } while (this.take(code.comma));
    if (!this.take(code.closeBracket)) throw this.invalid();
    return array;
  }

  private descend(depth: number): void {
    if (depth > this.limits.depth) {
      throw new FormatError(
        `safetensors: ${this.subject} is nested deeper than ${this.limits.depth} at byte ${this.at}.`,
      );
    }
    this.at++;
  }

  private string(): string {
    const start = ++this.at;
    let escaped = false;
    for (; this.bytes[this.at] !== code.quote; this.at++) {
      const byte = this.bytes[this.at];
      if (byte === undefined || byte < 0x20) throw this.invalid();
      if (byte === code.backslash) {
        escaped = true;
        this.at++; // the next byte is no end, whatever it is
      }
    }
    let text: string;
    try {
      text = this.decoder.decode(this.bytes.subarray(start, this.at));
    } catch {
      throw this.invalid(start);
    }
    this.at++;
    return escaped ? this.unescape(text, start) : text;
  }

  private unescape(text: string, start: number): string {
    const plain = text.replace(/\\(?:u([0-9a-fA-F]{4})|([^u]))?/gs, (_match, hex?: string, letter?: string) => {
      if (hex !== undefined) return String.fromCharCode(parseInt(hex, 16));
      if (letter === undefined || !(letter in escapes)) throw this.invalid(start);
      return escapes[letter];
    });
    if (loneSurrogate.test(plain)) throw this.invalid(start);
    return plain;
  }

  /** A number, true, false or null. */
  private word(): Json {
    const start = this.at;
    // No longer than a 64-bit integer or float is ever written.
    while (this.at - start < 32 && isWordByte(this.bytes[this.at])) this.at++;
    const word = String.fromCharCode(...this.bytes.subarray(start, this.at));
    if (word === "true") return true;
    if (word === "false") return false;
    if (word === "null") return null;
    if (integer.test(word) && Number.isSafeInteger(Number(word))) return Number(word);
    if (number.test(word)) return { digits: word };
    throw this.invalid(start);
  }

  /** Whether `byte` comes next, behind white space; then it is passed. */
  private take(byte: number): boolean {
    this.space();
    if (this.bytes[this.at] !== byte) return false;
    this.at++;
    return true;
  }

  private space(): void {
    for (;;) {
      const byte = this.bytes[this.at];
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return;
      this.at++;
    }
  }

  private invalid(at = this.at): FormatError {
    return new FormatError(`safetensors: ${this.subject} is not valid JSON at byte ${at}.`);
  }
}

/** A name from a file, for messages: in quotes, and not longer than a line. */
export function quote(name: string): string {
  return JSON.stringify(name.length > 64 ? `${name.slice(0, 64)}…` : name);
}

/** Letters, digits, and the signs and points of numbers. */
function isWordByte(byte: number | undefined): boolean {
  if (byte === undefined) return false;
  const letter = byte | 0x20;
  return (
    (letter >= 0x61 && letter <= 0x7a) ||
    (byte >= 0x30 && byte <= 0x39) ||
    byte === 0x2b ||
    byte === 0x2d ||
    byte === 0x2e
  );
}
