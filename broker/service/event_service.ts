/** `event.publish`: publication that is acknowledged with the event's number (wire.md §3.3). Subscriptions are the router's. */

import { Flag, FluxError, Message, MessageType } from "../message/mod.ts";
import { integerField, type Methods, optionalString, type Request, stringField, user } from "../handle/mod.ts";

/** `publish` numbers an event, gives it to everyone, and returns its number; rank 0's alone is used. */
export function eventService(rank: number, publish: (event: Message) => number): Methods {
  return {
    "event.publish": user((request) => {
      const event = readEvent(request);
      if (rank !== 0) throw new FluxError("EPROTO", "this service is only available on rank 0");
      return { seq: publish(event) };
    }),
  };
}

function readEvent({ payload, userid, rolemask }: Request): Message {
  const flags = integerField(payload, "flags");
  if (flags !== 0 && flags !== Flag.private) throw new FluxError("EPROTO", `"flags" must be 0 or ${Flag.private}`);
  const topic = stringField(payload, "topic");
  if (topic === "") throw new FluxError("EPROTO", '"topic" must not be empty');
  const text = optionalString(payload, "payload");
  return new Message({
    type: MessageType.event,
    flags,
    userid,
    rolemask,
    topic,
    payload: text === undefined ? undefined : fromBase64(text),
  });
}

function fromBase64(text: string): Uint8Array {
  try {
    return Uint8Array.fromBase64(text);
  } catch {
    throw new FluxError("EPROTO", '"payload" must be base64');
  }
}
