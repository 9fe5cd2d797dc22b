/** Applies the commits that become one version. */

import type { Hash } from "../../../broker/message/mod.ts";
import type { Commit } from "../committer.ts";
import { damaged, type Reader } from "../reader.ts";
import { applyTransactions, type Blob } from "../tree/transaction.ts";

export interface Outcome {
  readonly rootref: string;
  /** For each commit: why it was refused, or undefined. */
  readonly refusals: readonly unknown[];
  /** For each commit: the keys it wrote, normalized. */
  readonly keys: readonly (readonly string[])[];
}

/**
 * Applies commits together or, when a blob that one of them needs cannot be had, one by one, so that only that one fails.
 * `made` has the blobs that are not stored yet, by blobref; new ones are added. Does not throw.
 */
export async function applyCommits(
  reader: Reader,
  hash: Hash,
  rootref: string,
  commits: readonly Commit[],
  made: Map<string, Blob>,
): Promise<Outcome> {
  try {
    const transactions = commits.map(({ ops }) => ops);
    const applied = await reader.run(applyTransactions(reader.objects, rootref, transactions, hash), made);
    for (const blob of applied.blobs) made.set(blob.blobref, blob);
    return { rootref: applied.rootref, refusals: applied.outcomes, keys: applied.keys };
  } catch (error) {
    if (commits.length === 1) return { rootref, refusals: [damaged(error)], keys: [[]] };
  }
  const refusals: unknown[] = [];
  const keys: (readonly string[])[] = [];
  for (const commit of commits) {
    const outcome = await applyCommits(reader, hash, rootref, [commit], made);
    rootref = outcome.rootref;
    refusals.push(...outcome.refusals);
    keys.push(...outcome.keys);
  }
  return { rootref, refusals, keys };
}
