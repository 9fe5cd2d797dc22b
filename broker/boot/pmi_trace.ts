/** What was said over PMI last, for when it leads nowhere. */

import type { PmiLines } from "../pmi/mod.ts";

/** Lines that are kept. */
const KEPT = 50;

export class PmiTrace {
  readonly #lines: string[] = [];

  /** `> cmd=…` was sent, `< cmd=…` came. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  /** The same conversation, heard. */
  of(lines: PmiLines): PmiLines {
    return {
      read: async () => {
        const line = await lines.read();
        this.#keep(`< ${line ?? "(the connection has ended)"}`);
        return line;
      },
      write: (line) => {
        this.#keep(`> ${line}`);
        lines.write(line);
      },
    };
  }

  #keep(line: string): void {
    this.#lines.push(line);
    if (this.#lines.length > KEPT) this.#lines.shift();
  }
}
