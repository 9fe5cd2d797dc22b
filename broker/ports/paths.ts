/** What is at a path, for those who only want to know that; what cannot be looked at counts as not there. */

/** A file, or a link to one. */
export function isFile(path: string): boolean {
  return found(() => Deno.statSync(path).isFile);
}

/** A directory, or a link to one. */
export function isDirectory(path: string): boolean {
  return found(() => Deno.statSync(path).isDirectory);
}

/** Anything, also a link to nowhere. */
export function exists(path: string): boolean {
  return found(() => Deno.lstatSync(path) !== undefined);
}

function found(look: () => boolean): boolean {
  try {
    return look();
  } catch {
    return false;
  }
}
