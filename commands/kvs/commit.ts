/** What the subcommands that write have in common: one commit, and what it is answered with. */

import { CommitFlag, type CommitReply } from "../../modules/kvs/protocol.ts";
import { dirref } from "../../modules/kvs/tree/treeobj.ts";
import type { Transaction } from "../../modules/kvs/client.ts";
import { keyError } from "./access.ts";
import { treeobjText } from "./value.ts";

const NO_APPEND = "nothing can be appended to a link; if it is none, see 'flux kvs namespace list'";

interface CommitChoice {
  readonly "no-merge": boolean;
  readonly sync: boolean;
  readonly append?: boolean;
}

interface ReportChoice {
  readonly "treeobj-root": boolean;
  readonly blobref: boolean;
  readonly sequence: boolean;
}

/** Commits what was put together for `keys`. A refusal names the key when there is only one. */
export async function commit(
  transaction: Transaction,
  keys: readonly string[],
  opts: CommitChoice,
): Promise<CommitReply> {
  const flags = (opts["no-merge"] ? CommitFlag.noMerge : 0) | (opts.sync ? CommitFlag.sync : 0);
  try {
    return await transaction.commit({ flags });
  } catch (error) {
    throw keyError(keys.length === 1 ? keys[0]! : "commit", error, opts.append ? NO_APPEND : undefined);
  }
}

/** The new version as `-O`, `-b`, `-s` ask for it; null when none does. */
export function reply({ rootref, rootseq }: CommitReply, opts: ReportChoice): string | null {
  const lines = [
    ...(opts["treeobj-root"] ? [treeobjText(dirref(rootref))] : []),
    ...(opts.blobref ? [rootref] : []),
    ...(opts.sequence ? [`${rootseq}`] : []),
  ];
  return lines.length > 0 ? lines.join("\n") : null;
}

/** Adds a step for each key; what cannot be added is told with the key. */
export function steps<T>(items: readonly T[], keyOf: (item: T) => string, add: (item: T) => unknown): void {
  for (const item of items) {
    try {
      add(item);
    } catch (error) {
      throw keyError(keyOf(item), error);
    }
  }
}
