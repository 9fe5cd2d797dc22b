/** Whose roots hold when a store is attached. Pure. */

import { FluxError } from "../../broker/message/mod.ts";
import type { StoreInfo } from "./backing.ts";
import type { StoredRoot } from "./protocol.ts";

export interface Adoption {
  readonly roots: Map<string, StoredRoot>;
  /** Some come from the store. */
  readonly adopted: boolean;
}

/**
 * Those of the store when nothing was committed here yet; ours when the store has none, or has them from us (`writer`).
 * Throws EEXIST when both have content.
 */
export function adoption(
  info: Omit<StoreInfo, "name">,
  ours: ReadonlyMap<string, StoredRoot>,
  writer: string,
): Adoption {
  const theirs = Object.entries(info.roots);
  const written = [...ours].find(([, { rootseq }]) => rootseq > 0);
  if (!written) return { roots: new Map([...ours, ...theirs]), adopted: theirs.length > 0 };
  if (theirs.length === 0 || info.writer === writer) return { roots: new Map(ours), adopted: false };
  const [namespace, { rootseq }] = written;
  const [other, root] = theirs[0]!;
  throw new FluxError(
    "EEXIST",
    `${info.path}: holds ${other} at version ${root.rootseq}, and ${namespace} was written here already (version ` +
      `${rootseq}); start a session with it`,
  );
}
