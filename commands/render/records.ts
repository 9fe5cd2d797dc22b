/** Records as they are printed: for people by the command's own `human`, or as JSON. */

import type { Command } from "../command.ts";
import type { OptionTable, ParsedOptions } from "../options.ts";

/** Turns records into what is printed. `end` is printed after the last one, unless the command failed. */
export interface Renderer {
  record(record: unknown): string | Uint8Array | null;
  end(): string;
}

/** The renderer for one run of `command`. */
export function renderer(command: Command, opts: ParsedOptions<OptionTable>, json: boolean): Renderer {
  if (json) return command.json === "array" ? jsonArray() : { record: jsonLine, end: () => "" };
  const human = command.human?.bind(command);
  return {
    record: (record) => line(human ? human(record, opts) : plain(record)),
    end: () => "",
  };
}

/** One document, one record a line: `[`, the records, `]`. */
function jsonArray(): Renderer {
  let count = 0;
  return {
    record: (record) => `${count++ === 0 ? "[\n" : ",\n"}${JSON.stringify(record)}`,
    end: () => count === 0 ? "[]\n" : "\n]\n",
  };
}

function jsonLine(record: unknown): string {
  return JSON.stringify(record) + "\n";
}

function plain(record: unknown): string | Uint8Array {
  return typeof record === "string" || record instanceof Uint8Array ? record : JSON.stringify(record);
}

function line(text: string | Uint8Array | null): string | Uint8Array | null {
  return typeof text === "string" ? text + "\n" : text;
}
