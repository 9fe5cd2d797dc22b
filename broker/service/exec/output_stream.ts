/**
 * What a task writes on one stream, on its way to who reads it: whole lines as far as there are any, and no more at a time
 * than the reader has credit for. Pure.
 */

const NEWLINE = 10;
/** A line longer than this goes out in pieces, bytes. */
const LONGEST_LINE = 1 << 16;

export class OutputStream {
  readonly name: string;
  readonly #wholeLines: boolean;
  /** Bytes that may still be sent; what was read last may overdraw it. */
  #credit: number;
  /** The beginning of a line whose end was not read yet. */
  #begun: Uint8Array[] = [];
  #length = 0;
  #reading = false;
  #closed = false;

  constructor(name: string, wholeLines: boolean, credit: number) {
    this.name = name;
    this.#wholeLines = wholeLines;
    this.#credit = credit;
  }

  /** Its end was read, or it was given up. */
  get closed(): boolean {
    return this.#closed;
  }

  /** True, once, when more is to be read; `read` or `end` answers it. */
  demand(): boolean {
    if (this.#closed || this.#reading || this.#credit <= 0) return false;
    return this.#reading = true;
  }

  grant(bytes: number): void {
    this.#credit += bytes;
  }

  /** What to send now that these bytes were read; undefined when a line has only begun. */
  read(bytes: Uint8Array): Uint8Array | undefined {
    this.#reading = false;
    const end = this.#wholeLines ? bytes.lastIndexOf(NEWLINE) + 1 : bytes.length;
    if (end === 0 && this.#length + bytes.length < LONGEST_LINE) {
      this.#begin(bytes);
      return undefined;
    }
    const piece = this.#take(end === 0 ? bytes : bytes.subarray(0, end));
    if (end > 0 && end < bytes.length) this.#begin(bytes.subarray(end));
    this.#credit -= piece.length;
    return piece;
  }

  /** What is left to send at the end: a line without its newline. */
  end(): Uint8Array | undefined {
    this.#reading = false;
    this.#closed = true;
    return this.#length > 0 ? this.#take(new Uint8Array()) : undefined;
  }

  /** Nobody reads it any more. */
  giveUp(): void {
    this.#closed = true;
    this.#begun = [];
    this.#length = 0;
  }

  #begin(bytes: Uint8Array): void {
    this.#begun.push(bytes.slice());
    this.#length += bytes.length;
  }

  /** What was begun, and `rest` behind it. */
  #take(rest: Uint8Array): Uint8Array {
    if (this.#length === 0) return rest;
    const whole = new Uint8Array(this.#length + rest.length);
    let at = 0;
    for (const part of this.#begun) {
      whole.set(part, at);
      at += part.length;
    }
    whole.set(rest, at);
    this.#begun = [];
    this.#length = 0;
    return whole;
  }
}
