/** The words of a command line that says again what was said. Pure. */

/**
 * Options and arguments as words. Options that were not given are left out, lists repeat their option.
 */
export function commandWords(
  opts: Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>,
  args: readonly string[],
): string[] {
  const words = Object.entries(opts).flatMap(([name, value]) => {
    if (value === undefined || value === false) return [];
    if (value === true) return [`--${name}`];
    return (typeof value === "object" ? value : [value]).map((one) => `--${name}=${one}`);
  });
  return [...words, "--", ...args];
}
