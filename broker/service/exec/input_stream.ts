/** What others write for a task to read: kept until it is taken, a piece at a time, and given back as credit then. Pure. */

import { FluxError } from "../../message/mod.ts";

/** The most that is handed over at a time, bytes. */
const PIECE = 1 << 16;

/** What may wait for a task beyond the credit its writer was given, since not every writer counts, bytes. */
const SLACK = 60 << 20;

export class InputStream {
  readonly name: string;
  readonly #limit: number;
  /** What waits, in order. Small writes share a block, so that many of them take no more memory than their bytes. */
  #blocks: { bytes: Uint8Array; used: number }[] = [];
  #length = 0;
  #state: "open" | "ending" | "closed" = "open";
  /** Bytes handed over and not taken yet. */
  #writing = 0;

  /** `credit` is what its writer may write before any of it is taken, bytes. */
  constructor(name: string, credit: number) {
    this.name = name;
    this.#limit = credit + SLACK;
  }

  /** Bytes that wait to be taken. */
  get length(): number {
    return this.#length;
  }

  /**
   * Adds bytes; returns how many of them are credited again at once, as nobody takes them. Throws ENOBUFS when the writer
   * has gone far beyond its credit.
   */
  write(bytes: Uint8Array): number {
    if (this.#state !== "open") return bytes.length;
    if (this.#length + bytes.length > this.#limit) {
      throw new FluxError("ENOBUFS", `${this.name}: more than ${this.#limit >> 20} MiB are waiting to be read`);
    }
    this.#length += bytes.length;
    this.#keep(bytes);
    return 0;
  }

  /** Nothing more comes: it is closed behind what waits. */
  end(): void {
    if (this.#state === "open") this.#state = "ending";
  }

  /** What to do next: hand bytes over, or close the stream; undefined while there is nothing to do. */
  next(): Uint8Array | "close" | undefined {
    if (this.#writing > 0 || this.#state === "closed") return undefined;
    if (this.#length > 0) {
      const piece = this.#piece();
      this.#writing = piece.length;
      return piece;
    }
    if (this.#state !== "ending") return undefined;
    this.#state = "closed";
    return "close";
  }

  /** What was handed over is taken; returns how many bytes that were. */
  taken(): number {
    const count = this.#writing;
    this.#writing = 0;
    this.#length -= count;
    return count;
  }

  /** Nobody will read it any more. Returns how many bytes are lost with that. */
  breakOff(): number {
    const lost = this.#length;
    this.#state = "closed";
    this.#blocks = [];
    this.#length = 0;
    this.#writing = 0;
    return lost;
  }

  #keep(bytes: Uint8Array): void {
    const last = this.#blocks.at(-1);
    const fits = last ? bytes.subarray(0, last.bytes.length - last.used) : bytes.subarray(0, 0);
    if (last && fits.length > 0) {
      last.bytes.set(fits, last.used);
      last.used += fits.length;
    }
    const rest = bytes.subarray(fits.length);
    if (rest.length === 0) return;
    if (!last || rest.length >= PIECE) return void this.#blocks.push({ bytes: rest, used: rest.length });
    const block = { bytes: new Uint8Array(PIECE), used: rest.length };
    block.bytes.set(rest);
    this.#blocks.push(block);
  }

  #piece(): Uint8Array {
    const { bytes, used } = this.#blocks.shift()!;
    if (used <= PIECE) return bytes.subarray(0, used);
    this.#blocks.unshift({ bytes: bytes.subarray(PIECE), used: used - PIECE });
    return bytes.subarray(0, PIECE);
  }
}
