/** Errors that reached nobody, and who may know whose they are: a broker knows its modules. */

const owners = new Set<(error: unknown) => boolean>();

/** Asks `owns` about every such error from now on; it takes care of those for which it returns true. */
export function ownStrayErrors(owns: (error: unknown) => boolean): void {
  owners.add(owns);
}

/** Whether somebody took care of it. */
export function isOwned(error: unknown): boolean {
  return [...owners].some((owns) => owns(error));
}
