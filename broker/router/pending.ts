/**
 * Requests sent over one overlay link and not answered yet, so that they can be answered EHOSTUNREACH when the link
 * is lost (wire.md §7.4). An entry ends with its final response, or when its sender disconnects from the service.
 */

import { encodeJson, Flag, Message } from "../message/mod.ts";

export class Pending {
  readonly #bySender = new Map<string, Map<number, Message>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Notes a request that goes over the link, as it will look to who answers it: its routes are the way back. */
  sent(request: Message): void {
    if (request.has(Flag.noresponse)) {
      if (request.topic.endsWith("disconnect")) this.#disconnected(request);
      return;
    }
    let tags = this.#bySender.get(request.sender);
    if (!tags) this.#bySender.set(request.sender, tags = new Map());
    if (!tags.has(request.matchtag)) this.#size++;
    tags.set(request.matchtag, new Message({ ...request, routes: request.routes.slice(), payload: undefined }));
  }

  /** Whether the request that this answers is still open. */
  has(response: Message): boolean {
    return this.#find(response) !== undefined;
  }

  /** Open requests that may be answered more than once. */
  streams(): Message[] {
    const requests = [...this.#bySender.values()].flatMap((tags) => [...tags.values()]);
    return requests.filter((request) => request.has(Flag.streaming));
  }

  /** Notes a response that came over the link; `sender` is the oldest id of its routes. */
  answered(response: Message): void {
    if (response.errnum === 0 && response.has(Flag.streaming)) return;
    this.forget(response);
  }

  /** Ends the entry of this request, or of the request this answers. */
  forget(message: Message): void {
    if (!this.#find(message)) return;
    const tags = this.#bySender.get(message.sender)!;
    tags.delete(message.matchtag);
    this.#size--;
    if (tags.size === 0) this.#bySender.delete(message.sender);
  }

  /** Everything unanswered; the table is empty afterwards. */
  drain(): Message[] {
    const requests = [...this.#bySender.values()].flatMap((tags) => [...tags.values()]);
    this.#bySender.clear();
    this.#size = 0;
    return requests;
  }

  /**
   * The open request this is or answers. Sender and matchtag do not tell: a request that was failed somewhere on its way frees
   * its matchtag, and may still be answered from further on. Then it came another way, since the link it came by is gone.
   */
  #find({ sender, matchtag, routes }: Message): Message | undefined {
    const request = this.#bySender.get(sender)?.get(matchtag);
    if (request?.routes.length !== routes.length) return undefined;
    return request.routes.every((id, i) => id === routes[i]) ? request : undefined;
  }

  #disconnected(disconnect: Message): void {
    const tags = this.#bySender.get(disconnect.sender);
    if (!tags) return;
    for (const [tag, request] of tags) {
      if (request.service !== disconnect.service || request.nodeid !== disconnect.nodeid) continue;
      tags.delete(tag);
      this.#size--;
    }
    if (tags.size === 0) this.#bySender.delete(disconnect.sender);
  }
}

/**
 * What cancels a streaming request at its service, on behalf of its sender (wire.md §1.10), sent over the link that the request was sent
 * over. The sender may have used the matchtag again: `retraced` says that the request which came the very same way is meant.
 * Should that way have changed further on, then who changed it has cancelled the request there.
 */
export function cancellation(request: Message): Message {
  return new Message({
    ...request,
    flags: Flag.noresponse | (request.flags & Flag.upstream),
    aux2: 0,
    routes: request.routes.slice(),
    topic: `${request.service}.cancel`,
    payload: encodeJson({ matchtag: request.matchtag, retraced: true }),
  });
}
