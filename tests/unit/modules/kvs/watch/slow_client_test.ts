import {
  decode,
  decodeJson,
  encodeJson,
  encodeStream,
  Flag,
  Message,
  MessageType,
  NODEID_ANY,
  StreamReader,
} from "../../../../../broker/message/mod.ts";
import { Kvs } from "../../../../../modules/kvs/client.ts";
import { KvsFlag } from "../../../../../modules/kvs/protocol.ts";
import { type Val, valBytes } from "../../../../../modules/kvs/tree/treeobj.ts";
import { assert, assertEquals } from "../../../../assert.ts";
import { localBroker } from "../../../../local_broker.ts";

const SIZE = 100_000;

function watchRequest(key: string): Message {
  const payload = encodeJson({ key, namespace: "primary", flags: KvsFlag.watch });
  const topic = "kvs-watch.lookup";
  return new Message({ type: MessageType.request, flags: Flag.streaming, aux1: NODEID_ANY, aux2: 1, topic, payload });
}

/** The first byte of each value that is answered, up to one. */
async function valuesUpTo(conn: Deno.UnixConn, last: number): Promise<number[]> {
  const reader = new StreamReader();
  const seen: number[] = [];
  while (seen.at(-1) !== last) {
    const read = await conn.read(reader.space());
    if (read === null) throw new Error(`the connection was closed after ${seen}`);
    reader.filled(read);
    for (let bytes = reader.next(); bytes; bytes = reader.next()) {
      seen.push(valBytes(decodeJson(decode(bytes).payload).val as unknown as Val)[0]!);
    }
  }
  return seen;
}

Deno.test("a client that does not read holds little in the broker, and then gets the newest value", async () => {
  await using session = await localBroker(["api", "content", "kvs"]);
  const writer = await session.connect();
  const kvs = new Kvs(writer);
  const put = (n: number) => kvs.transaction().putBytes("k", new Uint8Array(SIZE).fill(n)).commit();
  await put(0);
  const { router } = session.broker;
  const others = new Set(router.endpoints.map(({ id }) => id));
  const conn = await session.raw();
  await conn.write(encodeStream(watchRequest("k")));
  const backlog = () => Math.max(...router.endpoints.map(({ id }) => others.has(id) ? 0 : router.backlog(id)));
  let most = 0;
  for (let n = 1; n <= 60; n++) {
    await put(n);
    most = Math.max(most, backlog());
  }
  assert(most > 0 && most < 4 * SIZE, `${most} bytes`);
  const seen = await valuesUpTo(conn, 60);
  assertEquals(seen, seen.toSorted((a, b) => a - b));
  assert(seen.length < 30, `${seen.length} answers`);
  conn.close();
  writer.close();
});
