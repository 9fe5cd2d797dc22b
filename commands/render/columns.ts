/** Names in columns, filled from top to bottom, as ls(1) has them. Pure. */

const GAP = 2;

/** Lines of at most `width` characters; a longer name has one of its own. */
export function inColumns(names: readonly string[], width: number): string[] {
  const cell = GAP + names.reduce((longest, { length }) => Math.max(longest, length), 0);
  const columns = Math.max(1, Math.floor((width + GAP) / cell));
  const rows = Math.ceil(names.length / columns);
  return Array.from({ length: rows }, (_, row) => {
    let line = "";
    for (let at = row; at < names.length; at += rows) line += names[at]!.padEnd(cell);
    return line.trimEnd();
  });
}
