/** How the output of tasks is printed: as it comes, in labelled lines, collapsed at the end, or as records. */

import { encodeIo, type Json } from "../../broker/message/mod.ts";
import { Collapsed, groupTitle } from "./collapsed.ts";
import { LabelledLines } from "./labelled_lines.ts";
import type { StreamName } from "./remote_tasks.ts";

/** Bytes for standard output, or a record. */
export type Printed = Uint8Array | Json;

export interface PrinterOptions {
  readonly label: boolean;
  readonly json: boolean;
  /** Collapses, with the host of each rank. */
  readonly hosts?: readonly string[] | undefined;
  printError(bytes: Uint8Array): Promise<void> | undefined;
}

/** Collapsed output has become too much to be kept. */
export class TooMuch extends Error {}

export class Printer {
  readonly #options: PrinterOptions;
  readonly #lines = new Map<string, LabelledLines>();
  readonly #collapsed = { stdout: new Collapsed(), stderr: new Collapsed() };
  readonly #codes = new Map<number, number>();

  constructor(options: PrinterOptions) {
    this.#options = options;
  }

  /** What to print now; of standard error, a promise to wait for if there is one. Throws TooMuch. */
  output(rank: number, stream: StreamName, bytes: Uint8Array | undefined): Printed | Promise<void> | undefined {
    const { label, json, hosts } = this.#options;
    if (hosts) {
      if (bytes && !this.#collapsed[stream].add(rank, bytes)) throw new TooMuch();
      return undefined;
    }
    if (json) return bytes && { ...encodeIo(stream, `${rank}`, bytes), rank };
    const printed = label ? this.#label(rank, stream, bytes) : bytes;
    if (!printed || printed.length === 0) return undefined;
    return stream === "stdout" ? printed : this.#options.printError(printed);
  }

  /** A task is over. */
  over(rank: number, code: number, error: string | undefined): Printed | undefined {
    this.#codes.set(rank, code);
    if (!this.#options.json || this.#options.hosts) return undefined;
    return { rank, code, ...(error !== undefined && { error }) };
  }

  /** What was kept for the end. */
  *rest(): Generator<Printed | Promise<void>> {
    const { hosts, json, printError } = this.#options;
    if (!hosts) return;
    for (const stream of ["stdout", "stderr"] as const) {
      for (const { ranks, bytes } of this.#collapsed[stream].groups()) {
        if (json) {
          const { data, encoding } = encodeIo(stream, "", bytes);
          const codes = [...new Set([...ranks].map((rank) => this.#codes.get(rank) ?? 0))];
          const names = [...new Set([...ranks].map((rank) => hosts[rank] ?? ""))];
          yield { ranks: `${ranks}`, hosts: names, stream, data: data!, ...(encoding && { encoding }), codes };
          continue;
        }
        const newline = bytes.at(-1) === 10 ? "" : "\n";
        const utf8 = new TextEncoder();
        for (const part of [utf8.encode(groupTitle(ranks, hosts)), bytes, utf8.encode(newline)]) {
          const waiting = stream === "stdout" ? part : printError(part);
          if (waiting) yield waiting;
        }
      }
    }
  }

  #label(rank: number, stream: StreamName, bytes: Uint8Array | undefined): Uint8Array {
    const key = `${stream} ${rank}`;
    let lines = this.#lines.get(key);
    if (!lines) this.#lines.set(key, lines = new LabelledLines(`${rank}: `));
    return bytes ? lines.add(bytes) : lines.end();
  }
}
