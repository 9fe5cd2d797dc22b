/** Who wrote on a rank reads there what they wrote. */

import { isErrno } from "../../broker/message/mod.ts";
import type { Root } from "./protocol.ts";
import type { Roots } from "./roots.ts";

/**
 * Lets the root that this rank knows reach that of an answer of rank 0. `removals` is what {@link Roots.removals} was when
 * the question was sent: when a namespace was removed since, the answer may be of the past.
 */
export async function catchUp(roots: Roots, root: Root, removals: number): Promise<void> {
  const { namespace, rootseq } = root;
  if (roots.removals === removals && roots.get(namespace)) return roots.advance(root);
  try {
    // A question that was under way before this answer came may be answered with less.
    const known = await roots.refresh(namespace);
    if (known.rootseq < rootseq) await roots.refresh(namespace);
  } catch (error) {
    if (!isErrno(error, "ENOTSUP")) throw error;
  }
}
