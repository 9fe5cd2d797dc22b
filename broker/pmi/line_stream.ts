/** Lines of text over a byte stream, both ways: how brokers and their starter, and PMI's two sides, talk. */

import { type ByteStream, isBroken } from "../handle/mod.ts";
import { LineBuffer } from "./line_buffer.ts";

const SPACE = 4096;

export class LineStream {
  readonly #stream: ByteStream;
  readonly #incoming: LineBuffer;
  #ended = false;
  #outgoing = "";
  #writing: Promise<void> | undefined;

  /** `limit` is the longest line that is taken, in bytes without its newline. */
  constructor(stream: ByteStream, limit: number) {
    this.#stream = stream;
    this.#incoming = new LineBuffer(limit);
  }

  /** The next line without its newline; null at the end, which a lost connection is too. Throws EMSGSIZE. */
  async read(): Promise<string | null> {
    for (;;) {
      const line = this.#incoming.next();
      if (line !== undefined) return line;
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
    this.#incoming.push(space.subarray(0, count));
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
