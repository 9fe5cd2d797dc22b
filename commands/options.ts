/**
 * Options, declared once: the table gives the parser, `--help`, the manual page's option list and completion.
 * (Own code, since parser libraries cost 20-33 ms of a 28 ms command; see docs/decisions.)
 *
 * POSIX order: options end at the first word that is none. `-ln2` is `-l -n 2`, `-Lfile` and `-L file` are the same,
 * so are `--name=x` and `--name x`; `--` ends the options. Long names are never abbreviated.
 */

/** What a word on the command line stands for, so that a shell can offer candidates. */
export type Completion = "rank" | "module" | "file" | "directory" | "attr" | "key" | "command" | readonly string[];

/** One option. `type` "flag" takes no value; "count" counts its occurrences; "list" collects its values. */
export interface OptionSpec {
  readonly short?: string;
  readonly type: "flag" | "count" | "string" | "number" | "integer" | "list";
  /** The name of the value in help: `--rank=N`. */
  readonly arg?: string;
  /** One line, capital first letter, no full stop. */
  readonly help: string;
  readonly default?: string | number;
  /** The least and the greatest number accepted. */
  readonly min?: number;
  readonly max?: number;
  /** Other long names that are accepted but not shown. */
  readonly aliases?: readonly string[];
  /** How the value completes. */
  readonly complete?: Completion;
}

export type OptionTable = Readonly<Record<string, OptionSpec>>;

interface Values<S extends OptionSpec> {
  flag: boolean;
  count: number;
  list: string[];
  string: S extends { readonly default: string } ? string : string | undefined;
  number: S extends { readonly default: number } ? number : number | undefined;
  integer: S extends { readonly default: number } ? number : number | undefined;
}

type ValueOf<S extends OptionSpec> = Values<S>[S["type"]];

/** What the parser returns for a table: every option by its long name, absent ones as default, false, 0, [] or undefined. */
export type ParsedOptions<T extends OptionTable> = { readonly [K in keyof T]: ValueOf<T[K]> };

/** A command line taken apart. */
export interface Parsed<T extends OptionTable> {
  readonly opts: ParsedOptions<T>;
  /** The words after the options. */
  readonly args: string[];
  /** How many words the options took, a final `--` included. */
  readonly taken: number;
  /** `--` ended the options. */
  readonly ended: boolean;
}

/** A word that the table does not allow. The text quotes it as it was typed. */
export class OptionError extends Error {
  override readonly name = "OptionError";
  /** For an unknown option: what was typed. */
  readonly unknown: string | undefined;
  constructor(text: string, unknown?: string) {
    super(text);
    this.unknown = unknown;
  }
}

type Value = boolean | number | string | string[] | undefined;

/** Takes `words` apart by `table`. Throws OptionError. */
export function parseOptions<T extends OptionTable>(table: T, words: readonly string[]): Parsed<T> {
  const names = longNames(table);
  const values: Record<string, Value> = {};
  for (const [name, spec] of Object.entries(table)) values[name] = initial(spec);
  let at = 0;
  let ended = false;
  while (at < words.length) {
    const word = words[at]!;
    if (word === "--") {
      at++;
      ended = true;
      break;
    }
    if (word.length < 2 || word[0] !== "-") break;
    at += word[1] === "-" ? takeLong(table, names, words, at, values) : takeCluster(table, words, at, values);
  }
  return { opts: values as ParsedOptions<T>, args: words.slice(at), taken: at, ended };
}

/** Whether an option is followed by a value. */
export function takesValue(spec: OptionSpec): boolean {
  return spec.type !== "flag" && spec.type !== "count";
}

/** `--name[=value]` at `words[at]`; the number of words taken. */
function takeLong(
  table: OptionTable,
  names: Map<string, string>,
  words: readonly string[],
  at: number,
  values: Record<string, Value>,
): number {
  const word = words[at]!;
  const equals = word.indexOf("=");
  const typed = equals < 0 ? word : word.slice(0, equals);
  const name = names.get(typed.slice(2));
  if (name === undefined) throw unrecognized(typed);
  const spec = table[name]!;
  const joined = equals < 0 ? undefined : word.slice(equals + 1);
  if (!takesValue(spec)) {
    if (joined !== undefined) throw new OptionError(`option '${typed}' does not take an argument`);
    set(values, name, spec, typed);
    return 1;
  }
  const value = joined ?? words[at + 1];
  if (value === undefined) throw new OptionError(`option '${typed}' requires an argument`);
  set(values, name, spec, typed, value);
  return joined === undefined ? 2 : 1;
}

/** `-abVALUE` or `-ab VALUE` at `words[at]`; the number of words taken. */
function takeCluster(table: OptionTable, words: readonly string[], at: number, values: Record<string, Value>): number {
  const letters = [...words[at]!].slice(1);
  for (const [i, letter] of letters.entries()) {
    const typed = `-${letter}`;
    const [name, spec] = Object.entries(table).find(([, spec]) => spec.short === letter) ?? [];
    if (name === undefined || spec === undefined) throw unrecognized(typed);
    if (!takesValue(spec)) {
      set(values, name, spec, typed);
      continue;
    }
    const joined = letters.slice(i + 1).join("");
    const value = joined || words[at + 1];
    if (value === undefined) throw new OptionError(`option '${typed}' requires an argument`);
    set(values, name, spec, typed, value);
    return joined ? 1 : 2;
  }
  return 1;
}

function set(values: Record<string, Value>, name: string, spec: OptionSpec, typed: string, value = ""): void {
  switch (spec.type) {
    case "flag":
      values[name] = true;
      break;
    case "count":
      values[name] = (values[name] as number) + 1;
      break;
    case "list":
      (values[name] as string[]).push(value);
      break;
    case "string":
      values[name] = value;
      break;
    default:
      values[name] = toNumber(spec, typed, value);
  }
}

function unrecognized(typed: string): OptionError {
  return new OptionError(`unrecognized option '${typed}'`, typed);
}

function toNumber(spec: OptionSpec, typed: string, value: string): number {
  const [pattern, kind] = spec.type === "integer"
    ? [/^[+-]?\d+$/, "an integer"] as const
    : [/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/, "a number"] as const;
  const number = Number(value);
  if (!pattern.test(value) || !Number.isFinite(number)) {
    throw new OptionError(`option '${typed}': '${value}' is not ${kind}`);
  }
  if (spec.type === "integer" && !Number.isSafeInteger(number)) {
    throw new OptionError(`option '${typed}': ${value} is too large`);
  }
  if (spec.min !== undefined && number < spec.min) {
    throw new OptionError(`option '${typed}': ${value} is less than ${spec.min}`);
  }
  if (spec.max !== undefined && number > spec.max) {
    throw new OptionError(`option '${typed}': ${value} is greater than ${spec.max}`);
  }
  return number;
}

function initial(spec: OptionSpec): Value {
  if (spec.type === "flag") return false;
  if (spec.type === "count") return 0;
  if (spec.type === "list") return [];
  return spec.default;
}

/** Long names as typed (own and aliases) → names in the table. */
function longNames(table: OptionTable): Map<string, string> {
  const names = new Map<string, string>();
  for (const [name, spec] of Object.entries(table)) {
    for (const typed of [name, ...spec.aliases ?? []]) names.set(typed, name);
  }
  return names;
}
