/**
 * Cost of the wire: one message in and out of bytes, a stream cut into messages. `deno bench tests/bench/codec_bench.ts`.
 * Budgets (ns): a small message encodes in 600 and decodes in 900.
 */

import {
  decode,
  encode,
  encodeJson,
  encodeStream,
  Message,
  MessageType,
  NODEID_ANY,
  StreamReader,
} from "../../broker/message/mod.ts";

const ROUTES = ["6558a140-7812-475b-b921-dd0000000001", "f93921dd-6401-44bb-8c25-4da1d2cd4f82"];

function ping(routes: string[], padding: number): Message {
  return new Message({
    type: MessageType.request,
    topic: "broker.ping",
    aux1: NODEID_ANY,
    aux2: 1,
    routes,
    payload: encodeJson({ "seq": 0, "time.tv_sec": 1310, "time.tv_nsec": 22648518, "pad": "x".repeat(padding) }),
  });
}

const messages = {
  "small": ping([], 0),
  "small, 2 routes": ping(ROUTES, 0),
  "1 KiB, 2 routes": ping(ROUTES, 1 << 10),
  "64 KiB, 2 routes": ping(ROUTES, 1 << 16),
};

/** Results go here, so that computing them cannot be optimised away. */
export const sink: { last: unknown } = { last: undefined };

for (const [name, message] of Object.entries(messages)) {
  const bytes = encode(message);
  Deno.bench(`encode ${name}`, { group: name }, () => {
    sink.last = encode(message);
  });
  Deno.bench(`decode ${name}`, { group: name }, () => {
    sink.last = decode(bytes);
  });
}

const BATCH = 100;
const one = encodeStream(messages.small);
const stream = new Uint8Array(one.length * BATCH);
for (let i = 0; i < BATCH; i++) stream.set(one, i * one.length);

Deno.bench(`StreamReader, ${BATCH} small messages in one read`, { group: "stream" }, () => {
  const reader = new StreamReader();
  reader.space().set(stream);
  reader.filled(stream.length);
  let count = 0;
  while (reader.next()) count++;
  if (count !== BATCH) throw new Error(`${count} messages`);
});
