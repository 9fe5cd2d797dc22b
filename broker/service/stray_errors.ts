/** Errors that reached nobody: the broker outlives those of a module. */

/**
 * Gives every unhandled rejection and error of this process to `blame`, which tells whether it knew whose it is. One that
 * it did not know goes on to whoever else listens.
 */
export function catchStrayErrors(blame: (error: unknown) => boolean): Disposable {
  const caught = (event: ErrorEvent | PromiseRejectionEvent) => {
    if (!blame("reason" in event ? event.reason : event.error)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  };
  const kinds = ["error", "unhandledrejection"] as const;
  for (const kind of kinds) addEventListener(kind, caught);
  return {
    [Symbol.dispose]: () => {
      for (const kind of kinds) removeEventListener(kind, caught);
    },
  };
}
