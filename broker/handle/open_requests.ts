/** Requests that a Handle serves and has not answered yet. */

import type { Request } from "./request.ts";

export class OpenRequests {
  /**
   * By sender, then by matchtag, the latest last. There can be several with one matchtag: a request that a broker on its way has
   * failed frees it, and the next one with it may be here before the word that the former is over.
   */
  readonly #bySender = new Map<string, Map<number, Set<Request>>>();

  get size(): number {
    let n = 0;
    for (const tags of this.#bySender.values()) for (const requests of tags.values()) n += requests.size;
    return n;
  }

  get all(): Request[] {
    return [...this.#bySender.keys()].flatMap((sender) => this.from(sender));
  }

  from(sender: string): Request[] {
    return [...this.#bySender.get(sender)?.values() ?? []].flatMap((requests) => [...requests]);
  }

  /** What came over the link of this peer. */
  over(peer: string): Request[] {
    return this.all.filter(({ message }) => message.routes.at(-1) === peer);
  }

  add(request: Request): void {
    const { sender, matchtag } = request;
    let tags = this.#bySender.get(sender);
    if (!tags) this.#bySender.set(sender, tags = new Map());
    const requests = tags.get(matchtag);
    // All that want no answer have the matchtag 0.
    if (requests) requests.add(request);
    else tags.set(matchtag, new Set([request]));
  }

  delete(request: Request): void {
    const { sender, matchtag } = request;
    const tags = this.#bySender.get(sender), requests = tags?.get(matchtag);
    if (!requests?.delete(request)) return;
    if (requests.size === 0) tags!.delete(matchtag);
    if (tags!.size === 0) this.#bySender.delete(sender);
  }

  /**
   * What a cancel is about: the sender's latest request with that matchtag or, when a broker sent it on the sender's behalf, the
   * one that came the same way (`retraced`).
   */
  canceledBy({ sender, payload: { matchtag, retraced }, message: { routes } }: Request): Request | undefined {
    const requests = [...this.#bySender.get(sender)?.get(Number(matchtag)) ?? []];
    if (retraced !== true) return requests.at(-1);
    return requests.find(({ message }) => isSame(message.routes, routes));
  }
}

function isSame(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((id, i) => id === other[i]);
}
