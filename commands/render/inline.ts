/** `code`, **bold** and *emphasis* within a paragraph, as plain text or with terminal attributes. */

import { wrap } from "./layout.ts";

// Characters of the private use area stand for markup while lines are made.
const BOLD = "\uE001";
const UNDERLINE = "\uE002";
const OFF = "\uE003";
const MARKS = /[\uE001-\uE003]/g;
const SGR: Readonly<Record<string, string>> = { [BOLD]: "\x1b[1m", [UNDERLINE]: "\x1b[4m" };

/** The lines of a paragraph without its markup. */
export function plain(text: string, width = Infinity): string[] {
  return wrap(marked(text).replace(MARKS, ""), width);
}

/** The lines of a paragraph with its markup as terminal attributes, each ended on the line where it began. */
export function styled(text: string, width = Infinity): string[] {
  let current = "";
  const lines = wrap(marked(text), width, (word) => word.replace(MARKS, "").length);
  return lines.map((line) => {
    const opened = current;
    for (const mark of line.match(MARKS) ?? []) current = mark === OFF ? "" : mark;
    const body = line.replace(MARKS, (mark) => SGR[mark] ?? "\x1b[0m");
    return (SGR[opened] ?? "") + body + (current ? "\x1b[0m" : "");
  });
}

function marked(text: string): string {
  return text.replace(
    /`([^`]+)`|\*\*([^*]+)\*\*|\*([^*\s][^*]*)\*/g,
    (_, code?: string, bold?: string, emphasis?: string) =>
      emphasis === undefined ? BOLD + (code ?? bold) + OFF : UNDERLINE + emphasis + OFF,
  );
}
