/** What the completion scripts of all shells are made from. */

import { type Completion, type OptionTable, takesValue } from "../options.ts";

/** A point on the command line where words are expected: behind `flux`, a command or a subcommand. */
export interface Place {
  /** The words that lead here: `[]`, `["event"]`, `["event", "pub"]`, `["kvs", "namespace", "create"]`. */
  readonly path: readonly string[];
  readonly summary: string;
  readonly options: OptionTable;
  /** Commands or subcommands that may come next, with their summaries. */
  readonly words: readonly (readonly [string, string])[];
  /** Otherwise what the words after the options are. */
  readonly complete: Completion;
}

export interface Grammar {
  readonly places: readonly Place[];
}

/** Kinds of values that `flux __complete KIND WORD` lists; keys a directory at a time, and directories with a dot. */
export const DYNAMIC: readonly string[] = ["rank", "attr", "module", "key"];

/** `-n` and `--count` as they are typed. */
export function spellings(options: OptionTable): string[] {
  return Object.entries(options).flatMap(([name, { short }]) => short ? [`-${short}`, `--${name}`] : [`--${name}`]);
}

/** The options of a place that take a value: all spellings, aliases included, with what the value is. */
export function valued(options: OptionTable): [string[], Completion | undefined][] {
  return Object.entries(options).filter(([, spec]) => takesValue(spec)).map(([name, spec]) => {
    const long = [name, ...spec.aliases ?? []].map((typed) => `--${typed}`);
    return [spec.short ? [`-${spec.short}`, ...long] : long, spec.complete];
  });
}

/** A string as one word of a Bourne shell. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
