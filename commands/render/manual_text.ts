/**
 * Manual pages. A page is `commands/NAME.md`: Markdown of a few forms, written by hand, with marks on lines of their own
 * where text from the command's declaration goes in, so that the two cannot disagree:
 *
 *     # flux-ping(1)
 *     <!-- synopsis -->              NAME and SYNOPSIS
 *     ## DESCRIPTION                 a section; ### is a part of one
 *     <!-- options -->               the option list; `<!-- options pub -->` that of a subcommand, of whatever depth
 *
 * Forms: paragraphs, `- ` lists, blocks of code indented by four spaces, `code`, **bold**, *emphasis*.
 */

import type { Command } from "../command.ts";
import { childLeaf, type Leaf, leavesOf, rootLeaf } from "../leaf.ts";
import type { OptionTable } from "../options.ts";
import { plain, styled } from "./inline.ts";
import { optionTerm, sortedOptions, wrap } from "./layout.ts";

/** What a page takes from declarations. */
export interface Facts {
  /** `flux-ping`. */
  readonly title: string;
  readonly summary: string;
  readonly synopsis: readonly string[];
  /** The options of the command or of a subcommand (`create`, `namespace create`); undefined if there is none. */
  options(subcommand?: string): OptionTable | undefined;
}

/** How a page is laid out. */
export interface Look {
  readonly columns: number;
  /** With bold and underlined text, for a terminal. */
  readonly styled: boolean;
}

const MARGIN = 5;
const STEP = 4;

/** The facts of a command. */
export function factsOf(command: Command): Facts {
  const root = rootLeaf(command);
  const name = `flux ${command.name}`;
  const forms = leavesOf(root).flatMap((leaf) =>
    leaf.command.usage.map((form) => `${name}${leaf.title.slice(root.title.length)} ${form}`.trimEnd())
  );
  return {
    title: `flux-${command.name}`,
    summary: command.summary,
    synopsis: command.usage.length > 0 ? command.usage.map((form) => `${name} ${form}`.trimEnd()) : forms,
    options(subcommand) {
      let leaf: Leaf | undefined = root;
      for (const word of subcommand?.split(" ") ?? []) {
        const child: Command | undefined = leaf?.command.subcommands?.[word];
        leaf = leaf && child && childLeaf(leaf, child);
      }
      return leaf?.table;
    },
  };
}

/** A page as text. Throws Error for a mark it does not know: pages are part of the program. */
export function manualText(source: string, facts: Facts, look: Look): string {
  const inline = look.styled ? styled : plain;
  const strong = (text: string) => inline(`**${text}**`)[0] ?? "";
  const indented = (text: string, by: number) => inline(text, look.columns - by).map((line) => " ".repeat(by) + line);
  const out: string[] = [];
  for (const block of blocks(source)) {
    const [first = ""] = block;
    const mark = /^<!-- (\w+) ?([\w -]*?) -->$/.exec(first);
    const heading = /^(#+) (.*)$/.exec(first);
    if (mark) out.push(...generated(mark[1]!, mark[2]!));
    else if (heading?.[1] === "#") out.push(strong(heading[2]!.toUpperCase()));
    else if (heading) out.push(" ".repeat(heading[1] === "##" ? 0 : 2) + strong(heading[2]!));
    else if (first.startsWith("    ")) out.push(...block.map((line) => (" ".repeat(MARGIN) + line).trimEnd()));
    else if (first.startsWith("- ")) out.push(...list(block));
    else out.push(...indented(block.join(" "), MARGIN));
    if (!heading || heading[1] === "#") out.push("");
  }
  return out.join("\n").trimEnd() + "\n";

  function list(block: string[]): string[] {
    const items = block.join("\n").split(/^- /m).slice(1);
    return items.flatMap((item) => {
      const lines = indented(item.replaceAll("\n", " "), MARGIN + 2);
      return lines.map((line, i) => i === 0 ? `${" ".repeat(MARGIN)}- ${line.trimStart()}` : line);
    });
  }

  function generated(kind: string, argument: string): string[] {
    if (kind === "synopsis") {
      const synopsis = facts.synopsis.map((form) => " ".repeat(MARGIN) + form);
      const name = indented(`${facts.title} - ${facts.summary}`, MARGIN);
      return [strong("NAME"), ...name, "", strong("SYNOPSIS"), ...synopsis];
    }
    const table = kind === "options" ? facts.options(argument || undefined) : undefined;
    if (!table) throw new Error(`manual page of ${facts.title}: unknown mark <!-- ${kind} ${argument} -->`);
    return sortedOptions(table).flatMap(([name, spec], i) => [
      ...(i === 0 ? [] : [""]),
      " ".repeat(MARGIN) + strong(optionTerm(name, spec).trimStart()),
      ...wrap(`${spec.help}.`, look.columns - MARGIN - STEP).map((line) => " ".repeat(MARGIN + STEP) + line),
    ]);
  }
}

/** Paragraphs, lists, blocks of code and single headings or marks, each as its lines. */
function* blocks(source: string): Generator<string[]> {
  let block: string[] = [];
  const isCode = () => block[0]?.startsWith("    ");
  for (const line of source.split("\n")) {
    const single = /^(#|<!--)/.test(line);
    const endsCode = isCode() && line !== "" && !line.startsWith("    ");
    if (block.length > 0 && (single || endsCode || (line === "" && !isCode()))) {
      yield trimmed(block);
      block = [];
    }
    if (single) yield [line];
    else if (line !== "" || block.length > 0) block.push(line);
  }
  if (block.length > 0) yield trimmed(block);
}

function trimmed(block: string[]): string[] {
  while (block.at(-1) === "") block.pop();
  return block;
}
