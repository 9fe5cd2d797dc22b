/** The standard input of a job: one who is attached gives it, and it is taken piece by piece. Pure. */

import { FluxError } from "../../../broker/message/mod.ts";

export class Stdin {
  /** The sender of who gives it; undefined while nobody does. */
  #owner: string | undefined;
  #given: { readonly bytes: Uint8Array | undefined; taken(): void }[] = [];
  #news = Promise.withResolvers<void>();
  #state: "open" | "ended" | "over" = "open";

  /** Somebody gives it from now on, if nobody else does and it has not ended. */
  claim(sender: string): boolean {
    if (this.#owner !== undefined || this.#state !== "open") return false;
    this.#owner = sender;
    return true;
  }

  /** Whoever gave it has gone: another can. */
  release(sender: string): void {
    if (this.#owner === sender) this.#owner = undefined;
  }

  /** Bytes, or the end. Resolves when they are taken. Throws EBUSY for who does not give it, EPIPE when the job is over. */
  async give(sender: string, bytes: Uint8Array | undefined): Promise<void> {
    if (this.#owner !== sender) throw new FluxError("EBUSY", "standard input comes from somebody else");
    if (this.#state !== "open") throw new FluxError("EPIPE", "nobody reads standard input any more");
    if (!bytes) this.#state = "ended";
    await new Promise<void>((taken) => {
      this.#given.push({ bytes, taken });
      this.#news.resolve();
    });
  }

  /** The next bytes; undefined at the end. */
  async next(): Promise<Uint8Array | undefined> {
    for (;;) {
      const given = this.#given.shift();
      given?.taken();
      if (given) return given.bytes;
      if (this.#state === "over") return undefined;
      await this.#news.promise;
      this.#news = Promise.withResolvers();
    }
  }

  /** The job is over: what was given is of no use any more. */
  close(): void {
    this.#state = "over";
    for (const { taken } of this.#given.splice(0)) taken();
    this.#news.resolve();
  }
}
