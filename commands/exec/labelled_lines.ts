/** Output with a label in front of each line, in whole lines as far as they go. Pure. */

const NEWLINE = 10;
/** A line longer than this is broken, bytes. */
const LONGEST_LINE = 1 << 20;

export class LabelledLines {
  readonly #label: Uint8Array;
  #begun: Uint8Array[] = [];
  #length = 0;

  constructor(label: string) {
    this.#label = new TextEncoder().encode(label);
  }

  /** What can be printed now that `bytes` came. */
  add(bytes: Uint8Array): Uint8Array {
    const end = bytes.lastIndexOf(NEWLINE) + 1;
    if (end === 0) {
      this.#begin(bytes);
      return this.#length < LONGEST_LINE ? new Uint8Array() : this.#labelled(new Uint8Array([NEWLINE]));
    }
    const whole = this.#labelled(bytes.subarray(0, end));
    if (end < bytes.length) this.#begin(bytes.subarray(end));
    return whole;
  }

  /** What is left at the end: a line without its newline. */
  end(): Uint8Array {
    return this.#length > 0 ? this.#labelled(new Uint8Array()) : new Uint8Array();
  }

  #begin(bytes: Uint8Array): void {
    this.#begun.push(bytes);
    this.#length += bytes.length;
  }

  /** What was begun and `rest`, each line labelled. */
  #labelled(rest: Uint8Array): Uint8Array {
    const parts = [...this.#begun, rest];
    let lines = 1;
    for (let at = rest.indexOf(NEWLINE); at >= 0 && at + 1 < rest.length; at = rest.indexOf(NEWLINE, at + 1)) lines++;
    const out = new Uint8Array(this.#length + rest.length + lines * this.#label.length);
    this.#begun = [];
    this.#length = 0;
    let at = 0;
    const put = (bytes: Uint8Array) => {
      out.set(bytes, at);
      at += bytes.length;
    };
    put(this.#label);
    for (const part of parts.slice(0, -1)) put(part);
    for (let from = 0; from < rest.length;) {
      if (from > 0) put(this.#label);
      const newline = rest.indexOf(NEWLINE, from);
      const to = newline < 0 ? rest.length : newline + 1;
      put(rest.subarray(from, to));
      from = to;
    }
    return out;
  }
}
