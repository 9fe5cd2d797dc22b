/** Amounts of bytes as people give them on the command line. */

/** `4096`, `64k`, `100M`, `2G` in bytes; undefined for what is none, and for 0. */
export function readSize(text: string): number | undefined {
  const [, number, unit] = /^(\d{1,9})([kmgKMG]?)$/.exec(text) ?? [];
  if (number === undefined || Number(number) === 0) return undefined;
  return Number(number) * 1024 ** " kmg".indexOf(unit!.toLowerCase() || " ");
}
