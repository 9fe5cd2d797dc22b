/**
 * What a subcommand is. A command declares its options once and yields records; the front end parses, prints
 * records for people or as JSON, and turns what is thrown into one line on stderr and an exit status.
 */

import type { Completion, OptionTable, ParsedOptions } from "./options.ts";
import type { Terminal } from "./surroundings.ts";
import type { Handle } from "../broker/handle/mod.ts";

/** Signals that a command may deal with; SIGALRM only if it says `signal: "alarm"`. */
export type HeardSignal = "SIGINT" | "SIGTERM" | "SIGALRM";

/** What a command is given when it runs. */
export interface Context<T extends OptionTable> {
  readonly opts: ParsedOptions<T>;
  /** The words after the options. */
  readonly args: string[];
  /** Aborts on SIGINT/SIGTERM when the command asked for it by `signal: true`. */
  readonly signal: AbortSignal;
  /** Records are printed as JSON: `--json` was given. */
  readonly json: boolean;
  /** Connects to the broker behind FLUX_URI (or `flux --uri`), once; closed when the command ends. */
  connect(): Promise<Handle>;
  /** Prints one line on standard error behind the command's name: `flux-ping: …`. */
  warn(text: string): void;
  /**
   * Passes something on to standard error as it is, in order with what was passed on before. A promise in return means:
   * wait for it before passing on more. `warn` does not wait for it.
   */
  printError(chunk: string | Uint8Array): Promise<void> | undefined;
  /** Resolves when all that was printed or passed on is written: for a `warn` that belongs behind it. */
  flush(): Promise<void>;
  /** Reads standard input; the number of bytes, null at its end. */
  read(into: Uint8Array): Promise<number | null>;
  /** The terminal that standard input is; undefined when it is none. */
  terminal(): Terminal | undefined;
  /** When standard output cannot be written any more, mostly as nobody reads it, `heard` is called, and waited for a little, before the command ends. */
  onUnread(heard: () => Promise<void>): void;
  /** With `signal`: from now on signals only call `heard`, the command deals with them. */
  onSignal(heard: (signal: HeardSignal) => void): void;
}

/** One subcommand. `R` is the record it prints; `run` comes before `human`, so that R is inferred from it. */
export interface Command<T extends OptionTable = OptionTable, R = unknown> {
  readonly name: string;
  /** One line for `flux -h`, without a full stop; the same as in the registry. */
  readonly summary: string;
  /** What follows the name in the usage line; several lines for several forms: `["[OPTIONS] TARGET"]`. */
  readonly usage: readonly string[];
  /** With subcommands: options that may stand before the subcommand as well as behind it. */
  readonly options: T;
  /** What error lines begin with; `flux-NAME` unless given (the attribute commands say `flux`). */
  readonly prog?: string;
  /** What usage lines call it, where that is not `prog`. */
  readonly title?: string;
  /** Ctrl-C ends the command by aborting `context.signal` rather than killing it; "alarm": SIGALRM does too. */
  readonly signal?: boolean | "alarm";
  /**
   * The subcommand that options ask for: the older spelling of a command that has subcommands now. All words behind the options
   * are its own then. A mistake is a UsageError.
   */
  implied?(opts: ParsedOptions<T>): string | undefined;
  /** How the words after the options complete; file names unless given. */
  readonly complete?: Completion;
  /**
   * The form of `--json`: "lines" (unless given) prints each record as one line when it comes, right for one record
   * and for a stream; "array" makes one document of a list that ends.
   */
  readonly json?: "lines" | "array";
  /** Leaf commands of a command with subcommands, by name: `kvs` → `get`, `put` … A second name for one is hidden. */
  readonly subcommands?: Readonly<Record<string, Command>>;
  /** The error line for a subcommand that does not exist; `Unknown subcommand: X` unless given. */
  unknownSubcommand?(name: string): string;
  /**
   * Yields what there is to print. Returns the exit status, 0 when it returns nothing. Throws UsageError, FluxError,
   * CommandError. One that prints nothing may be a plain async function.
   */
  run?(context: Context<T>): AsyncGenerator<R, number | void> | Promise<number | void>;
  /**
   * A record as people read it, without the final newline; null prints nothing. Bytes are written as they are.
   * Commands that have it have `--json` too; without it strings and bytes are printed as they are, the rest as JSON.
   */
  human?(record: R, opts: ParsedOptions<T>): string | Uint8Array | null;
}

/** Declares a command; only there for type inference. */
export function command<const T extends OptionTable, R>(definition: Command<T, R>): Command<T, R> {
  return definition;
}

/** Wrong use of a command: the text, then the usage, on stderr; exit status 1. Without a text, the whole help. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Ends a command with a line on stderr (none if empty), a hint on a second line, and this exit status. */
export class CommandError extends Error {
  override readonly name = "CommandError";
  readonly status: number;
  readonly hint: string | undefined;
  constructor(text: string, options: { status?: number; hint?: string; cause?: unknown } = {}) {
    super(text, options.cause === undefined ? {} : { cause: options.cause });
    this.status = options.status ?? 1;
    this.hint = options.hint;
  }
}

/** Thrown into a command's waits when a signal asks it to end: `context.signal.reason`. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
  readonly status: number;
  constructor(status: number) {
    super("Interrupted");
    this.status = status;
  }
}
