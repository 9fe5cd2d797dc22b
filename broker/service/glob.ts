/** Shell patterns: `*`, `?`, `[a-z]`, `[!a-z]`, and `\` before a character that means itself. Pure. */

/** The pattern as a regular expression that a whole string must match. A `[` without its `]` means itself. */
export function globPattern(glob: string): RegExp {
  let source = "";
  for (let at = 0; at < glob.length; at++) {
    const char = glob[at]!;
    const end = char === "[" ? glob.indexOf("]", at + 2) : -1;
    if (char === "*") source += ".*";
    else if (char === "?") source += ".";
    else if (end > 0) {
      const negated = glob[at + 1] === "!";
      const inside = glob.slice(at + (negated ? 2 : 1), end).replace(/[\\\]^[]/g, "\\$&");
      source += `[${negated ? "^" : ""}${inside}]`;
      at = end;
    } else source += literal(char === "\\" && at + 1 < glob.length ? glob[++at]! : char);
  }
  return new RegExp(`^${source}$`, "s");
}

function literal(char: string): string {
  return char.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
}
