/**
 * What a subcommand is. A command declares its options once and yields records; the front end parses, prints
 * records for people or as JSON, and turns what is thrown into one line on stderr and an exit status.
 */

import type { OptionTable, ParsedOptions } from "./options.ts";
import type { Handle } from "../broker/handle/mod.ts";

/** What a command is given when it runs. */
export interface Context<T extends OptionTable> {
  readonly opts: ParsedOptions<T>;
  /** The words after the options. */
  readonly args: string[];
  /** Aborts on SIGINT/SIGTERM when the command asked for it by `signal: true`. */
  readonly signal: AbortSignal;
  /** Connects to the broker behind FLUX_URI (or `flux --uri`), once; closed when the command ends. */
  connect(): Promise<Handle>;
  /** Prints one line on standard error behind the command's name: `flux-ping: …`. */
  warn(text: string): void;
}

/** One subcommand. `R` is the record it prints. */
export interface Command<T extends OptionTable = OptionTable, R = unknown> {
  readonly name: string;
  /** One line for `flux -h`, without a full stop. */
  readonly summary: string;
  /** What follows the name in the usage line; several lines for several forms: `["[OPTIONS] TARGET"]`. */
  readonly usage: readonly string[];
  readonly options: T;
  /** What error lines begin with; `flux-NAME` unless given (the attribute commands say `flux`). */
  readonly prog?: string;
  /** Ctrl-C ends the command by aborting `context.signal` rather than killing it. */
  readonly signal?: boolean;
  /** Leaf commands of a command with subcommands, by name: `kvs` → `get`, `put` … */
  readonly subcommands?: Readonly<Record<string, Command>>;
  /** Yields what there is to print. Returns the exit status, 0 when it returns nothing. Throws UsageError, FluxError. */
  run?(context: Context<T>): AsyncGenerator<R, number | void>;
  /** A record as people read it, without the final newline; null prints nothing. Bytes are written as they are. */
  human?(record: R, opts: ParsedOptions<T>): string | Uint8Array | null;
}

/** Declares a command; only there for type inference. */
export function command<const T extends OptionTable, R>(definition: Command<T, R>): Command<T, R> {
  return definition;
}

/** Wrong use of a command: the text, then the usage, on stderr; exit status 1. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Ends a command with a line on stderr (none if empty), a hint on a second line, and this exit status. */
export class CommandError extends Error {
  override readonly name = "CommandError";
  readonly status: number;
  readonly hint: string | undefined;
  constructor(text: string, options: { status?: number; hint?: string } = {}) {
    super(text);
    this.status = options.status ?? 1;
    this.hint = options.hint;
  }
}
