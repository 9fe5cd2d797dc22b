/** What `--help` prints, from the declarations alone. */

import { GROUPS, type Registry } from "../registry.ts";
import { type Leaf, ownSubcommands } from "../leaf.ts";
import type { OptionTable } from "../options.ts";
import { nameLines, optionLines, usageLines } from "./layout.ts";

/** `flux ping --help`: usage, options, and the subcommands if it has any. */
export function commandHelp(leaf: Leaf, columns: number): string {
  const children = ownSubcommands(leaf.command);
  const forms = leaf.command.usage.length > 0
    ? leaf.command.usage.map((form) => `${leaf.title} ${form}`.trimEnd())
    : children.flatMap((child) => child.usage.map((form) => `${leaf.title} ${child.name} ${form}`.trimEnd()));
  const text = usageLines(forms) + optionLines(leaf.table, columns);
  if (children.length === 0) return text;
  return `${text}\nSupported commands:\n${nameLines(children.map(({ name, summary }) => [name, summary]), columns)}`;
}

/** `flux -h`: usage, the options of the front end, the commands by group. */
export function frontHelp(
  table: OptionTable,
  registry: Registry,
  externals: readonly string[],
  columns: number,
): string {
  let text = usageLines(["flux [OPTIONS] COMMAND ARGS"]) + optionLines(table, columns);
  for (const group of GROUPS) {
    const names = Object.entries(registry).filter(([, entry]) => entry.group === group && !entry.hidden);
    if (names.length === 0) continue;
    text += `\n${group}:\n${nameLines(names.map(([name, { summary }]) => [name, summary]), columns)}`;
  }
  if (externals.length > 0) {
    text += `\nExternal commands (FLUX_EXEC_PATH):\n${externals.map((n) => `   ${n}\n`).join("")}`;
  }
  return `${text}\nSee 'flux help COMMAND' for the manual page of a command.\n`;
}
