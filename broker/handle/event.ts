/** What a subscriber hears. */

import { decodeJson, type JsonObject, type Message } from "../message/mod.ts";

/** An event as a subscriber gets it. `payload` is decoded at the first access. */
export class Event {
  readonly message: Message;
  #payload: JsonObject | undefined;
  constructor(message: Message) {
    this.message = message;
  }
  get topic(): string {
    return this.message.topic;
  }
  get sequence(): number {
    return this.message.sequence;
  }
  get payload(): JsonObject {
    return this.#payload ??= decodeJson(this.message.payload);
  }
}
