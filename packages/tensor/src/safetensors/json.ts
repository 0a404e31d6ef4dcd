/**
 * JSON as headers use it, strictly: names must not repeat, integers must be exact, nesting is shallow. JSON.parse keeps the last of equal
 * names, rounds large integers and swaps the prototype of an object for a member called __proto__.
 */

import { FormatError } from "../errors.js";

export type JsonValue = string | number | boolean | null | JsonValue[] | Map<string, JsonValue>;

const depthLimit = 4;

/** The header's object, in file order. */
export function parseHeader(bytes: Uint8Array): Map<string, JsonValue> {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new FormatError("safetensors: header is not valid UTF-8.");
  }
  const parser = new Parser(text);
  if (text[0] !== "{") throw parser.invalid(0);
  const value = parser.value(0);
  parser.end();
  return value as Map<string, JsonValue>;
}

class Parser {
  private at = 0;
  constructor(private readonly text: string) {}

  /** `at` counts characters; messages name the byte. */
  invalid(at: number = this.at): FormatError {
    const byte = new TextEncoder().encode(this.text.slice(0, at)).length;
    return new FormatError(`safetensors: header is not valid JSON at byte ${byte}.`);
  }

  value(depth: number): JsonValue {
    if (depth > depthLimit) throw new FormatError(`safetensors: header is nested deeper than ${depthLimit} levels.`);
    this.space();
    switch (this.text[this.at]) {
      case "{":
        return this.object(depth);
      case "[":
        return this.array(depth);
      case '"':
        return this.string();
      case "t":
        return this.word("true", true);
      case "f":
        return this.word("false", false);
      case "n":
        return this.word("null", null);
      default:
        return this.number();
    }
  }

  /** Only padding may follow. */
  end(): void {
    this.space();
    if (this.at !== this.text.length) throw this.invalid();
  }

  private object(depth: number): Map<string, JsonValue> {
    const members = new Map<string, JsonValue>();
    this.at++;
    this.space();
    if (this.text[this.at] === "}") {
      this.at++;
      return members;
    }
    for (;;) {
      this.space();
      if (this.text[this.at] !== '"') throw this.invalid();
      const name = this.string();
      if (members.has(name)) throw new FormatError(`safetensors: name ${JSON.stringify(name)} appears twice.`);
      this.space();
      this.expect(":");
      members.set(name, this.value(depth + 1));
      this.space();
      if (this.text[this.at] === "}") break;
      this.expect(",");
    }
    this.at++;
    return members;
  }

  private array(depth: number): JsonValue[] {
    const elements: JsonValue[] = [];
    this.at++;
    this.space();
    if (this.text[this.at] === "]") {
      this.at++;
      return elements;
    }
    for (;;) {
      elements.push(this.value(depth + 1));
      this.space();
      if (this.text[this.at] === "]") break;
      this.expect(",");
    }
    this.at++;
    return elements;
  }

  private string(): string {
    const start = this.at++;
    for (;;) {
      const c = this.text[this.at];
      if (c === undefined || c < " ") throw this.invalid();
      if (c === "\\") this.at += 2;
      else {
        this.at++;
        if (c === '"') break;
      }
    }
    try {
      return JSON.parse(this.text.slice(start, this.at)) as string;
    } catch {
      throw this.invalid(start);
    }
  }

  private number(): number {
    const match = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
    match.lastIndex = this.at;
    const found = match.exec(this.text);
    if (found === null) throw this.invalid();
    this.at += found[0].length;
    const value = Number(found[0]);
    if (/^-?\d+$/.test(found[0]) && !Number.isSafeInteger(value)) {
      throw new FormatError(`safetensors: header has the integer ${found[0]}, beyond the safe ones.`);
    }
    return value;
  }

  private word<T>(text: string, value: T): T {
    if (!this.text.startsWith(text, this.at)) throw this.invalid();
    this.at += text.length;
    return value;
  }

  private expect(c: string): void {
    if (this.text[this.at] !== c) throw this.invalid();
    this.at++;
  }

  private space(): void {
    while (" \t\r\n".includes(this.text[this.at] ?? "x")) this.at++;
  }
}
