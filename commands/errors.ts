/**
 * What is thrown, as people read it and as an exit status. One line `NAME: TEXT` on standard error, a next step on a
 * second one, `hint: …`. With `--json` one line `{"error":{"message":…,"code":…,"hint":…}}` instead, code and hint
 * where there are any; wrong usage is always told in words.
 */

import { FluxError } from "../broker/message/errno.ts";
import { CommandError, Interrupted, UsageError } from "./command.ts";
import { type Call, CallError, type Leaf, ownSubcommands, UnknownSubcommand } from "./leaf.ts";
import { FRONT_OPTIONS } from "./environment.ts";
import { OptionError, type OptionTable } from "./options.ts";
import { commandHelp } from "./render/help_text.ts";
import { usageLines } from "./render/layout.ts";
import { nearest } from "./suggest.ts";

/** What is left to do about an error. */
export interface Verdict {
  /** For standard error; may be empty. */
  readonly text: string;
  readonly status: number;
}

/** As for a program that SIGPIPE ended: whoever read standard output has seen enough. */
const BROKEN_PIPE = 141;

const OS_ERROR = / \(os error \d+\)/;

/** An error in a command that was running, or was about to. `trace` shows where unexpected errors come from. */
export function commandVerdict(error: unknown, call: Call, columns: number, trace: boolean): Verdict {
  const { prog } = call.leaf;
  if (error instanceof Interrupted) return { text: "", status: error.status };
  if (error instanceof Deno.errors.BrokenPipe) return { text: "", status: BROKEN_PIPE };
  if (error instanceof UsageError || error instanceof OptionError) {
    return wrongUsage(error, call.leaf, columns, call.ended ? [] : call.args);
  }
  const plain = explain(error, trace);
  if (call.json) return { text: jsonError(plain), status: plain.status };
  const text = plain.message === "" ? "" : `${prog}: ${plain.message}\n`;
  return { text: text + hintLine(plain.hint) + (plain.stack ?? ""), status: plain.status };
}

/** An error in the words given to a command. */
export function callVerdict(error: CallError, columns: number): Verdict {
  return wrongUsage(error.cause, error.leaf, columns, []);
}

/** An error outside any command: in the front end's own words or work. */
export function frontVerdict(error: unknown, trace: boolean): Verdict {
  if (error instanceof Deno.errors.BrokenPipe) return { text: "", status: BROKEN_PIPE };
  if (error instanceof OptionError) return wrongOption(error, "flux", FRONT_OPTIONS);
  const { message, hint, stack, status } = explain(error, trace);
  return { text: `flux: ${message}\n${hintLine(hint)}${stack ?? ""}`, status };
}

/** `` Try `NAME --help' for more information. `` */
function tryHelp(title: string): string {
  return `Try \`${title} --help' for more information.\n`;
}

function wrongOption(error: OptionError, title: string, table: OptionTable): Verdict {
  const near = error.unknown?.startsWith("--") ? nearest(error.unknown.slice(2), Object.keys(table)) : undefined;
  const hint = hintLine(near === undefined ? undefined : `did you mean '--${near}'?`);
  return { text: `${title}: ${error.message}\n${tryHelp(title)}${hint}`, status: 1 };
}

function wrongUsage(error: unknown, leaf: Leaf, columns: number, args: readonly string[]): Verdict {
  if (error instanceof OptionError) return wrongOption(error, leaf.title, leaf.table);
  if (!(error instanceof UsageError)) throw error;
  if (error.message === "") return { text: commandHelp(leaf, columns), status: 1 };
  let hint: string | undefined;
  if (error instanceof UnknownSubcommand) {
    const near = nearest(error.word, ownSubcommands(leaf.command).map(({ name }) => name));
    if (near !== undefined) hint = `did you mean '${near}'?`;
  } else if (args.length > 1 && args.slice(1).some((word) => /^-./.test(word))) {
    hint = "options go before the first argument";
  }
  const usage = ownSubcommands(leaf.command).length > 0
    ? commandHelp(leaf, columns)
    : usageLines(leaf.command.usage.map((form) => `${leaf.title} ${form}`.trimEnd())) + tryHelp(leaf.title);
  return { text: `${leaf.prog}: ${error.message}\n${hintLine(hint)}${usage}`, status: 1 };
}

interface Plain {
  readonly message: string;
  readonly status: number;
  readonly code?: string;
  readonly hint?: string | undefined;
  readonly stack?: string;
}

function explain(error: unknown, trace: boolean): Plain {
  if (error instanceof CommandError) {
    const { message, status, hint, cause } = error;
    return { message, status, hint, ...(cause instanceof FluxError ? { code: cause.code } : {}) };
  }
  if (error instanceof FluxError) return { message: error.message, status: 1, code: error.code };
  if (isSystemError(error)) return { message: error.message.replace(OS_ERROR, ""), status: 1 };
  const message = `internal error: ${error instanceof Error ? error.message : String(error)}`;
  if (!trace) return { message, status: 1, hint: "set FLUX_DEBUG=1 to see where it comes from, and report it" };
  return { message, status: 1, stack: `${error instanceof Error ? error.stack ?? "" : ""}\n` };
}

/** A refusal of the operating system, such as a file that is not there, rather than a mistake in the program. */
function isSystemError(error: unknown): error is Error {
  if (!(error instanceof Error) || error.name === "BadResource") return false;
  return Object.hasOwn(Deno.errors, error.name) || OS_ERROR.test(error.message);
}

function jsonError({ message, code, hint }: Plain): string {
  return JSON.stringify({ error: { message, ...(code ? { code } : {}), ...(hint ? { hint } : {}) } }) + "\n";
}

function hintLine(hint: string | undefined): string {
  return hint === undefined ? "" : `hint: ${hint}\n`;
}
