/**
 * `<service>.ping`: sends the request's object back with the way it came (wire.md §3.1). The object's own text is
 * kept as it was sent, so that numbers of 64 bits and large pads come back untouched.
 */

import { decodeJson, decodeText, encodeText } from "../message/mod.ts";
import { type Method, type Request, user } from "../handle/mod.ts";

const ID_CHARS = 8;

/** `id` is the route id of who answers, `rank` where it lives. */
export function pingMethod(id: string, rank: number): Method {
  return user((request) => pong(request, id, rank));
}

function pong(request: Request, id: string, rank: number): Uint8Array {
  const { message } = request;
  const empty = Object.keys(decodeJson(message.payload)).length === 0;
  const text = message.payload ? decodeText(message.payload).trimEnd() : "{}";
  const route = [...message.routes, id].map((hop) => hop.slice(0, ID_CHARS)).join("!");
  const added = JSON.stringify({ route, userid: message.userid, rolemask: message.rolemask, rank });
  return encodeText(`${text.slice(0, -1)}${empty ? "" : ","}${added.slice(1)}`);
}
