/** The shape of `--help`: usage lines, and terms with their descriptions in a second column (cli.md §0). */

import { type OptionSpec, type OptionTable, takesValue } from "../options.ts";

/** Where descriptions of options begin. */
const COLUMN = 25;

/**
 * `text` broken between words into lines of at most `width` characters; a longer word gets a line of its own.
 * `measure` gives the characters of a piece of text that show.
 */
export function wrap(text: string, width: number, measure = (piece: string) => piece.length): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/\s+/).filter(Boolean)) {
    const longer = line ? `${line} ${word}` : word;
    if (line && measure(longer) > width) {
      lines.push(line);
      line = word;
    } else {
      line = longer;
    }
  }
  if (line) lines.push(line);
  return lines;
}

/** `term` padded to `column`, then `text`, wrapped to `columns`; a term too long for that stands on its own line. */
export function entry(term: string, text: string, column: number, columns: number): string {
  const lines = wrap(text, Math.max(columns - column, 20));
  const indent = " ".repeat(column);
  if (lines.length === 0) return `${term}\n`;
  const head = term.length < column ? term.padEnd(column) + lines.shift() : term;
  return [head, ...lines.map((line) => indent + line)].join("\n") + "\n";
}

/** `-n, --count=N`. */
export function optionTerm(name: string, spec: OptionSpec): string {
  const short = spec.short ? `-${spec.short}, ` : "    ";
  return `${short}--${name}${takesValue(spec) ? `=${spec.arg ?? "ARG"}` : ""}`;
}

/** The options of a table in the order in which they are shown: `help`, then by name. */
export function sortedOptions(table: OptionTable): [string, OptionSpec][] {
  const rank = (name: string) => name === "help" ? "" : name;
  return Object.entries(table).sort(([a], [b]) => rank(a) < rank(b) ? -1 : 1);
}

/** The option lines of `--help`. */
export function optionLines(table: OptionTable, columns: number): string {
  return sortedOptions(table).map(([name, spec]) => entry(`  ${optionTerm(name, spec)}`, spec.help, COLUMN, columns))
    .join("");
}

/** `Usage: NAME FORM`, further forms as `   or: NAME FORM`. */
export function usageLines(forms: readonly string[]): string {
  return forms.map((form, i) => `${i === 0 ? "Usage:" : "   or:"} ${form}\n`).join("");
}

/** Names with their summaries, as `flux -h` lists commands. */
export function nameLines(names: readonly (readonly [string, string])[], columns: number): string {
  return names.map(([name, summary]) => entry(`   ${name.padEnd(18)}`, summary, 22, columns)).join("");
}
