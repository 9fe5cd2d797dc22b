/**
 * From the words behind a command's name to what is to run: the command itself or one of its subcommands, with its
 * options read. Every command has `-h, --help`; one that prints data for people has `--json`.
 */

import { type Command, UsageError } from "./command.ts";
import { type OptionTable, type ParsedOptions, parseOptions } from "./options.ts";

/** A command as it was reached. */
export interface Leaf {
  readonly command: Command;
  /** As usage lines call it: `flux-ping`, `flux getattr`, `flux-event pub`. */
  readonly title: string;
  /** What error lines begin with: `flux-ping`, `flux`, `flux-event`. */
  readonly prog: string;
  /** All its options, those of the command above it and the automatic ones included. */
  readonly table: OptionTable;
}

/** A leaf with its words read. */
export interface Call {
  readonly leaf: Leaf;
  readonly opts: ParsedOptions<OptionTable>;
  readonly args: string[];
  readonly help: boolean;
  readonly json: boolean;
  /** `--` ended the options. */
  readonly ended: boolean;
}

const HELP: OptionTable = { help: { short: "h", type: "flag", help: "Display this message" } };
const JSON_OUTPUT: OptionTable = { json: { type: "flag", help: "Print JSON instead of text" } };

/** A command as reached by its first word. */
export function rootLeaf(command: Command): Leaf {
  const prog = command.prog ?? `flux-${command.name}`;
  const title = command.title ?? (prog === "flux" ? `flux ${command.name}` : prog);
  return { command, title, prog, table: fullTable(command) };
}

/** A subcommand as reached through its parent; what the parent takes it takes too. */
export function childLeaf(parent: Leaf, command: Command): Leaf {
  return {
    command,
    title: `${parent.title} ${command.name}`,
    prog: command.prog ?? parent.prog,
    table: { ...parent.table, ...fullTable(command) },
  };
}

/** The subcommands of a command by their own names, second names left out, in alphabetical order. */
export function ownSubcommands(command: Command): Command[] {
  const own = Object.entries(command.subcommands ?? {}).filter(([name, child]) => name === child.name);
  return own.map(([, child]) => child).sort((a, b) => a.name < b.name ? -1 : 1);
}

/** Every leaf of a command: itself, or one for each subcommand. */
export function leavesOf(root: Leaf): Leaf[] {
  const children = ownSubcommands(root.command);
  return children.length === 0 ? [root] : children.flatMap((child) => leavesOf(childLeaf(root, child)));
}

/** An error in the words of `leaf`, so that the message can name it. */
export class CallError extends Error {
  override readonly name = "CallError";
  readonly leaf: Leaf;
  constructor(leaf: Leaf, cause: unknown) {
    super("", { cause });
    this.leaf = leaf;
  }
}

/** Reads `words` for `leaf`. Throws CallError around OptionError or UsageError. */
export function readCall(leaf: Leaf, words: readonly string[]): Call {
  try {
    const parsed = parseOptions(leaf.table, words);
    const flags: Readonly<Record<string, unknown>> = parsed.opts;
    const help = "help" in leaf.command.options ? false : flags.help === true;
    const { subcommands } = leaf.command;
    if (!subcommands || help) {
      return { leaf, opts: parsed.opts, args: parsed.args, help, json: flags.json === true, ended: parsed.ended };
    }
    const implied = leaf.command.implied?.(parsed.opts);
    if (implied !== undefined) return readCall(childLeaf(leaf, subcommands[implied]!), words);
    const name = parsed.args[0];
    if (name === undefined) throw new UsageError("missing subcommand");
    const child = Object.hasOwn(subcommands, name) ? subcommands[name] : undefined;
    if (!child) throw new UnknownSubcommand(leaf.command, name);
    const before = words.slice(0, parsed.ended ? parsed.taken - 1 : parsed.taken);
    return readCall(childLeaf(leaf, child), [...before, ...parsed.args.slice(1)]);
  } catch (error) {
    throw error instanceof CallError ? error : new CallError(leaf, error);
  }
}

/** The word behind a command that has subcommands is none of them. */
export class UnknownSubcommand extends UsageError {
  readonly word: string;
  constructor(command: Command, word: string) {
    super(command.unknownSubcommand?.(word) ?? `Unknown subcommand: ${word}`);
    this.word = word;
  }
}

function fullTable(command: Command): OptionTable {
  return { ...HELP, ...(command.human ? JSON_OUTPUT : {}), ...command.options };
}
