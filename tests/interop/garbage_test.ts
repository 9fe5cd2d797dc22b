import { decodeJson, errnum } from "../../broker/message/mod.ts";
import { assert, assertEquals } from "../assert.ts";
import { startSession } from "../session/session.ts";
import { garbage, ping } from "./garbage.ts";
import { RawClient } from "./replay_client.ts";

const SEED = Number(Deno.env.get("FLUX_TEST_SEED") ?? 7);

/** Pings, and fails unless the answer comes and is a ping's. */
async function assertServed(client: RawClient, matchtag: number, when: string, rank = 0): Promise<void> {
  await client.send(ping(matchtag));
  const answer = await client.take((message) => message.matchtag === matchtag);
  assert(answer, `no answer to a ping ${when}`);
  assertEquals(answer.errnum, 0, when);
  assertEquals(decodeJson(answer.payload)["rank"], rank, when);
}

for (const rank of [0, 2]) {
  Deno.test(`rank ${rank} outlives garbage on its socket (seed ${SEED}) and serves the others meanwhile`, async () => {
    await using session = await startSession({ size: 3 });
    const path = session.uri(rank).replace(/^local:\/\//, "");
    await using bystander = await RawClient.connect(path);
    let matchtag = 0;
    for (const { name, bytes, fate } of garbage(SEED, 5)) {
      const client = await RawClient.connect(path);
      // Half of them go without reading a thing: what the broker then writes meets a closed socket.
      const stays = matchtag % 2 === 0;
      await client.write(bytes);
      if (stays && fate === "drop") await client.ended;
      if (stays && fate === "keep") await assertServed(client, 0x10000, `on the connection of ${name}`, rank);
      await client[Symbol.asyncDispose]();
      await assertServed(bystander, ++matchtag, `of another client after ${name}`, rank);
    }
    for (const other of [0, 1, 2]) {
      await using late = await RawClient.connect(session.uri(other).replace(/^local:\/\//, ""));
      await assertServed(late, 1, `at rank ${other} after all`, other);
    }
  });
}

Deno.test("a broker that was sent half a message lets the client finish it later", async () => {
  await using session = await startSession({ size: 1 });
  const path = session.uri(0).replace(/^local:\/\//, "");
  await using client = await RawClient.connect(path);
  await using other = await RawClient.connect(path);
  const request = ping(5);
  const framedRequest = new Uint8Array([0x12, 0, 0xee, 0xff, 0, 0, 0, request.length, ...request]);
  await client.write(framedRequest.subarray(0, 30));
  await assertServed(other, 6, "while another is half way through");
  await client.write(framedRequest.subarray(30));
  const answer = await client.take((message) => message.matchtag === 5);
  assertEquals(answer?.errnum, 0);
});

Deno.test("a broker answers a payload that it cannot make sense of with EPROTO or EINVAL, and lives on", async () => {
  await using session = await startSession({ size: 1 });
  await using client = await RawClient.connect(session.uri(0).replace(/^local:\/\//, ""));
  const wrong = [...garbage(SEED, 10)].filter(({ name }) => /^(payload|JSON)/.test(name));
  assert(wrong.length > 30);
  for (const { name, bytes } of wrong) {
    await client.write(bytes);
    const answer = await client.take((message) => message.matchtag === 1);
    assert(answer, `no answer to ${name}`);
    const what = `${name}: ${answer.topic} answered ${answer.errnum}`;
    if (/^JSON of other types/.test(name)) assert(answer.errnum !== errnum("ENOSYS"), what);
    else assert([errnum("EPROTO"), errnum("EINVAL")].includes(answer.errnum), what);
  }
  await assertServed(client, 2, "after all that");
});
