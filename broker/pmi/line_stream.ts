/** Lines of text over a byte stream, both ways: how brokers and their starter, and PMI's two sides, talk. */

import { FluxError } from "../message/mod.ts";
import { type ByteStream, isBroken } from "../handle/mod.ts";

const NEWLINE = 10;
const SPACE = 4096;

export class LineStream {
  readonly #stream: ByteStream;
  readonly #limit: number;
  #held: Uint8Array = new Uint8Array(0);
  #ended = false;
  #outgoing = "";
  #writing: Promise<void> | undefined;

  /** `limit` is the longest line that is taken, in bytes without its newline. */
  constructor(stream: ByteStream, limit: number) {
    this.#stream = stream;
    this.#limit = limit;
  }

  /** The next line without its newline; null at the end, which a lost connection is too. Throws EMSGSIZE. */
  async read(): Promise<string | null> {
    for (;;) {
      const at = this.#held.indexOf(NEWLINE);
      if (at > this.#limit || (at < 0 && this.#held.length > this.#limit)) {
        throw new FluxError("EMSGSIZE", `a line is longer than ${this.#limit} bytes`);
      }
      if (at >= 0) {
        const line = new TextDecoder().decode(this.#held.subarray(0, at));
        this.#held = this.#held.subarray(at + 1);
        return line;
      }
      if (this.#ended || !await this.#fill()) return null;
    }
  }

  /** Sends one line. What the other side no longer takes is dropped; `read` tells of its end. */
  write(line: string): void {
    this.#outgoing += line + "\n";
    this.#writing ??= this.#drain();
  }

  /** Closes once everything written has left. */
  async close(): Promise<void> {
    await this.#writing;
    if (this.#ended) return;
    this.#ended = true;
    this.#stream.close();
  }

  async #fill(): Promise<boolean> {
    const space = new Uint8Array(SPACE);
    let count: number | null;
    try {
      count = await this.#stream.read(space);
    } catch (error) {
      if (!isBroken(error)) throw error;
      count = null;
    }
    if (count === null || this.#ended) return false;
    const held = new Uint8Array(this.#held.length + count);
    held.set(this.#held);
    held.set(space.subarray(0, count), this.#held.length);
    this.#held = held;
    return true;
  }

  async #drain(): Promise<void> {
    try {
      await Promise.resolve(); // lines written in one turn leave together
      while (this.#outgoing !== "") {
        const bytes = new TextEncoder().encode(this.#outgoing);
        this.#outgoing = "";
        for (let at = 0; at < bytes.length;) at += await this.#stream.write(bytes.subarray(at));
      }
    } catch (error) {
      if (!isBroken(error)) throw error;
      this.#outgoing = "";
    } finally {
      this.#writing = undefined;
    }
  }
}
