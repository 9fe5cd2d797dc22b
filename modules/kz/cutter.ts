/** Bytes, however they come, cut into blocks: of whole lines as far as there are any, and no longer than a limit. Pure. */

const NEWLINE = 10;

export interface CutterOptions {
  /** Bytes a block has at most. A longer line is broken. */
  readonly limit: number;
  /** A block ends behind a newline. */
  readonly wholeLines: boolean;
}

export class Cutter {
  readonly #limit: number;
  readonly #wholeLines: boolean;
  /** A line that has begun, shorter than the limit. */
  #rest: Uint8Array = new Uint8Array(0);

  constructor({ limit, wholeLines }: CutterOptions) {
    this.#limit = limit;
    this.#wholeLines = wholeLines;
  }

  /** A line that has begun. */
  get rest(): Uint8Array {
    return this.#rest;
  }

  /** The blocks that these bytes complete. They may share memory with `bytes`. */
  push(bytes: Uint8Array): Uint8Array[] {
    const whole = this.#rest.length === 0 ? bytes : concat(this.#rest, bytes);
    const blocks: Uint8Array[] = [];
    let at = 0;
    while (at < whole.length) {
      const next = whole.subarray(at, at + this.#limit);
      const end = this.#wholeLines
        ? next.lastIndexOf(NEWLINE) + 1 || (next.length === this.#limit ? next.length : 0)
        : next.length;
      if (end === 0) break;
      blocks.push(next.subarray(0, end));
      at += end;
    }
    this.#rest = whole.slice(at);
    return blocks;
  }

  /** What is left at the end: a line without its newline. */
  end(): Uint8Array | undefined {
    const rest = this.#rest;
    this.#rest = new Uint8Array(0);
    return rest.length === 0 ? undefined : rest;
  }
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
