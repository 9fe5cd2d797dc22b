/**
 * Options, declared once: the table gives the parser, `--help`, the manual page's option list and completion.
 * (Own code, since parser libraries cost 20-33 ms of a 28 ms command; see docs/decisions.)
 */

/** One option. `type` "flag" takes no value; "count" counts its occurrences; "list" collects its values. */
export interface OptionSpec {
  readonly short?: string;
  readonly type: "flag" | "count" | "string" | "number" | "integer" | "list";
  /** The name of the value in help: `--rank=N`. */
  readonly arg?: string;
  /** One line, capital first letter, no full stop. */
  readonly help: string;
  readonly default?: string | number;
  /** Other long names that are accepted but not shown. */
  readonly aliases?: readonly string[];
  /** How the value completes. */
  readonly complete?: "rank" | "module" | "file" | "directory" | "attr" | readonly string[];
}

export type OptionTable = Readonly<Record<string, OptionSpec>>;

type ValueOf<S extends OptionSpec> = S["type"] extends "flag" ? boolean
  : S["type"] extends "count" ? number
  : S["type"] extends "list" ? string[]
  : S["type"] extends "number" | "integer" ? (S extends { default: number } ? number : number | undefined)
  : (S extends { default: string } ? string : string | undefined);

/** What the parser returns for a table: every option by its long name, absent ones as default, false, 0, [] or undefined. */
export type ParsedOptions<T extends OptionTable> = { readonly [K in keyof T]: ValueOf<T[K]> };
