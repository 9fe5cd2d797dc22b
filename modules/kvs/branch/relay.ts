/**
 * The committer of a rank other than 0: sends commits to rank 0, again when a link was lost on the way, under a number by
 * which rank 0 knows them again.
 */

import type { Handle } from "../../../broker/handle/mod.ts";
import { decodeJson, encodeJson, pack } from "../../../broker/message/mod.ts";
import type { Clock } from "../../../broker/ports/mod.ts";
import type { Caller } from "../access.ts";
import type { CommitId } from "../root/answers.ts";
import { catchUp } from "../catch_up.ts";
import { readRoot } from "../client_replies.ts";
import type { Commit, Committer } from "../committer.ts";
import { patiently } from "../patience.ts";
import type { CommitReply, Root } from "../protocol.ts";
import type { Roots } from "../roots.ts";

/** The head of a relayed commit; the commit itself follows as it came. */
export interface RelayHead extends CommitId, Caller {
  /** What the setroot event calls it. */
  readonly name: string;
}

export interface RelayOptions {
  readonly handle: Pick<Handle, "rpcRaw">;
  readonly roots: Roots;
  readonly clock: Clock;
  readonly rank: number;
  /** Tells this instance of the module from all others. */
  readonly instance: string;
  /** Gives up what is under way. */
  readonly signal: AbortSignal;
}

export class Relay implements Committer {
  readonly #options: RelayOptions;
  #last = 0;
  /** Numbers not answered yet, ascending. */
  readonly #open = new Set<number>();

  constructor(options: RelayOptions) {
    this.#options = options;
  }

  /** Commits that rank 0 has not answered yet. */
  get pending(): number {
    return this.#open.size;
  }

  commit({ namespace, flags, ops, ...caller }: Commit): Promise<CommitReply> {
    return this.forward(encodeJson({ namespace, flags, ops }), caller);
  }

  /** Sends the payload of a commit on as it is. Throws as `commit` does, EHOSTUNREACH when rank 0 stays out of reach. */
  async forward(payload: Uint8Array, caller: Caller & { readonly name?: string }): Promise<CommitReply> {
    const { handle, clock, roots, rank, instance, signal } = this.#options;
    const { removals } = roots;
    const number = ++this.#last;
    const name = caller.name ?? `transaction_req.${rank}.${number}`;
    this.#open.add(number);
    let root: Root;
    try {
      root = await patiently(clock, signal, async () => {
        const [low = number] = this.#open;
        const head: RelayHead = { instance, number, low, name, userid: caller.userid, rolemask: caller.rolemask };
        return readRoot(
          decodeJson(await handle.rpcRaw("kvs.relay", pack([encodeJson(head), payload]), { rank: 0, signal })),
        );
      });
    } finally {
      this.#open.delete(number);
    }
    await catchUp(roots, root, removals);
    return { rootref: root.rootref, rootseq: root.rootseq };
  }
}
