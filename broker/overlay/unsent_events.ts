/** Unnumbered events on their way to rank 0 that wait for a parent, while there is none. Pure. */

import { encode, type Message } from "../message/mod.ts";
import type { Link } from "../ports/mod.ts";

/** So many wait at most; the oldest is given up. */
const LIMIT = 1000;

export class UnsentEvents {
  readonly #lost: (text: string) => void;
  #events: Message[] = [];

  /** `lost` is told of each event that is given up, and why. */
  constructor(lost: (text: string) => void) {
    this.#lost = lost;
  }

  add(event: Message): void {
    this.#events.push(event);
    if (this.#events.length > LIMIT) this.#lost(`event ${this.#events.shift()!.topic} is lost: ${LIMIT} others wait`);
  }

  /** There is a parent. */
  send(link: Link): void {
    for (const event of this.#events.splice(0)) link.send(encode(event));
  }

  /** There will be none. */
  close(): void {
    for (const { topic } of this.#events.splice(0)) this.#lost(`event ${topic} is lost: there is no link to a parent`);
  }
}
