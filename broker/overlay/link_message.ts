/** What brokers say to each other over one link; it never reaches the router. */

import { encodeJson, errorText, Flag, FluxError, Message, MessageType, Role } from "../message/mod.ts";
import { REFUSED } from "../ports/mod.ts";

const UNANSWERED = ["overlay.ranks", "overlay.moving"];

/** A request that concerns one link. */
export function linkRequest(topic: string, payload?: object): Message {
  return new Message({
    type: MessageType.request,
    flags: UNANSWERED.includes(topic) ? Flag.noresponse : 0,
    rolemask: Role.owner,
    topic,
    payload: payload && encodeJson(payload),
  });
}

/** What control messages mean (wire.md §1.12): the first either way, status from a child, disconnect from a parent. */
export const Control = { keepalive: 0, status: 1, disconnect: 2 } as const;

export function controlMessage(kind: number, status: number): Message {
  return new Message({ type: MessageType.control, aux1: kind, aux2: status });
}

/** What the end of a link before it was of use comes to: ECONNREFUSED when nobody listens there, else ECONNRESET. */
export function linkError(uri: string, reason: string): FluxError {
  return new FluxError(reason === REFUSED ? "ECONNREFUSED" : "ECONNRESET", `${uri}: ${reason}`);
}

/** The error number of an answer over a link as an exception, or nothing. */
export function checkAnswer(answer: Message): void {
  if (answer.errnum !== 0) throw new FluxError(answer.errnum, errorText(answer.payload));
}
