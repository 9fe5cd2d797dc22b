/** Messages of one endpoint or link, sent and received, by type: the default answer to `stats-get` (wire.md §3.1). */

import { type Message, MessageType } from "../message/mod.ts";

export interface Counts {
  request: number;
  response: number;
  event: number;
  control: number;
}

export class Counters {
  tx: Counts = { request: 0, response: 0, event: 0, control: 0 };
  rx: Counts = { request: 0, response: 0, event: 0, control: 0 };

  sent(message: Message): void {
    this.tx[kind(message)]++;
  }

  received(message: Message): void {
    this.rx[kind(message)]++;
  }

  clear(): void {
    this.tx = { request: 0, response: 0, event: 0, control: 0 };
    this.rx = { request: 0, response: 0, event: 0, control: 0 };
  }
}

function kind(message: Message): keyof Counts {
  switch (message.type) {
    case MessageType.request:
      return "request";
    case MessageType.response:
      return "response";
    case MessageType.event:
      return "event";
    default:
      return "control";
  }
}
