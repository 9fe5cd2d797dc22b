/** Cuts bytes that come in pieces into lines. Pure. */

import { FluxError } from "../message/mod.ts";

const NEWLINE = 10;

export class LineBuffer {
  readonly #limit: number;
  #held: Uint8Array = new Uint8Array(0);

  /** `limit` is the longest line that is taken, in bytes without its newline. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  push(bytes: Uint8Array): void {
    if (this.#held.length === 0) {
      this.#held = bytes;
      return;
    }
    const held = new Uint8Array(this.#held.length + bytes.length);
    held.set(this.#held);
    held.set(bytes, this.#held.length);
    this.#held = held;
  }

  /** The next line without its newline; undefined when more bytes are needed. Throws EMSGSIZE. */
  next(): string | undefined {
    const at = this.#held.indexOf(NEWLINE);
    if (at > this.#limit || (at < 0 && this.#held.length > this.#limit)) {
      throw new FluxError("EMSGSIZE", `a line is longer than ${this.#limit} bytes`);
    }
    if (at < 0) return undefined;
    const line = new TextDecoder().decode(this.#held.subarray(0, at));
    this.#held = this.#held.subarray(at + 1);
    return line;
  }
}
