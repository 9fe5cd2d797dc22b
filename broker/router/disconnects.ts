/** What must be told to whom when a client goes: one message per service and address it used (wire.md §2.6). */

import { Flag, Message } from "../message/mod.ts";

const TOPIC_LIMIT = 255;

export class Disconnects {
  readonly #armed = new Map<string, Message>();

  /** Notes a request of the client, once it carries the client's route id and credentials. */
  arm(request: Message): void {
    if (request.has(Flag.noresponse) || request.topic.length > TOPIC_LIMIT) return;
    const service = request.topic.slice(0, request.topic.lastIndexOf(".") + 1);
    const key = `${service}:${request.nodeid}:${request.flags & Flag.upstream}`;
    if (this.#armed.has(key)) return;
    const message = new Message({
      ...request,
      flags: Flag.noresponse | (request.flags & Flag.upstream),
      aux2: 0,
      routes: request.routes.slice(),
      topic: `${service}disconnect`,
      payload: undefined,
    });
    this.#armed.set(key, message);
  }

  /** The messages to send now that the client is gone. */
  drain(): Message[] {
    const messages = [...this.#armed.values()];
    this.#armed.clear();
    return messages;
  }
}
