/** Collections of what nobody needs any more, in the memory of rank 0 or in the store, one after the other. */

import { blobrefOf, FluxError } from "../../broker/message/mod.ts";
import type { Backing } from "./backing.ts";
import type { Hoard } from "./hoard.ts";
import { joinDigests, splitDigests, type Swept } from "./protocol.ts";

export class Collections {
  readonly #hoard: Hoard;
  /** How many have begun: the epoch that is given out. */
  #count = 0;
  /** What the keeper of the blobs calls the current one; undefined when there is none. */
  #current: { readonly given: number; readonly kept: number } | undefined;

  constructor(hoard: Hoard) {
    this.#hoard = hoard;
  }

  /** The current one is over: blobs have moved. */
  end(): void {
    this.#current = undefined;
  }

  async begin(backing: Backing | undefined): Promise<number> {
    const given = ++this.#count;
    this.#current = undefined;
    const kept = backing ? await backing.begin() : this.#hoard.begin();
    this.#current = { given, kept };
    return given;
  }

  async mark(epoch: number, digests: readonly Uint8Array[], backing: Backing | undefined): Promise<void> {
    const kept = this.#require(epoch);
    if (backing) await backing.mark(kept, joinDigests(digests));
    else this.#hoard.mark(digests.map(blobrefOf));
  }

  /** `gone` hears of what was deleted from the store. */
  async sweep(
    epoch: number,
    limit: number,
    spare: number,
    backing: Backing | undefined,
    gone: (blobref: string) => void,
  ): Promise<Swept> {
    const kept = this.#require(epoch);
    if (!backing) return this.#hoard.sweep(limit, spare);
    const { swept, digests } = await backing.sweep(kept, limit, spare);
    for (const digest of splitDigests(digests)) gone(blobrefOf(digest));
    return swept;
  }

  #require(epoch: number): number {
    if (this.#current?.given === epoch) return this.#current.kept;
    throw new FluxError("EAGAIN", `epoch ${epoch} is over: begin another`);
  }
}
