/** "Did you mean": the nearest of some names to a word that was mistyped. */

/** Edits (insert, delete, replace, swap of neighbours) that turn `a` into `b`. */
export function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let last: number[] = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let best = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) best = Math.min(best, before[j - 2]! + 1);
      row.push(best);
    }
    before = last;
    last = row;
  }
  return last[b.length]!;
}

/**
 * The name nearest to `word`, if it is near: at most one edit for every three characters, or `word` (of two characters
 * or more) is its beginning. The first of equals.
 */
export function nearest(word: string, names: Iterable<string>): string | undefined {
  let found: string | undefined;
  let least = Infinity;
  for (const name of names) {
    const begins = word.length >= 2 && name.startsWith(word);
    const distance = begins ? 1 : editDistance(word, name);
    const limit = Math.max(1, Math.floor(Math.min(word.length, name.length) / 3));
    if ((begins || (distance <= limit && distance < name.length)) && distance < least) {
      least = distance;
      found = name;
    }
  }
  return found;
}
