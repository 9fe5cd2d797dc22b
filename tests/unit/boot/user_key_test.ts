/** Seals on business cards, and link keys that are told without an exchange. */

import fc from "fast-check";
import { assert, assertEquals, assertThrows } from "../../assert.ts";
import { certificateFiles, certificateKey, keyPairOf, makeKeyPair } from "../../../broker/boot/certificate.ts";
import { type Identity, UserKey } from "../../../broker/boot/user_key.ts";
import type { JsonObject } from "../../../broker/message/mod.ts";
import { systemRandom } from "../../../broker/ports/mod.ts";

const [client, server] = [makeKeyPair(systemRandom), makeKeyPair(systemRandom)];
const key = new UserKey(client.secretKey, server.publicKey);
const rank3: Identity = { session: "24.0", size: 8, rank: 3 };
const card = { host: "node3", pubkey: "k".repeat(40), uri: ["tcp://10.0.0.3:5000", "tcp://10.0.0.3:5001"] };

Deno.test("UserKey.check() takes the card that was sealed, as it comes out of JSON", () => {
  const fields = fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.integer(), fc.array(fc.string())));
  fc.assert(
    fc.property(fields, fc.string(), fc.nat(1000), (fields, session, rank) => {
      const identity = { session, size: 1001, rank };
      const sealed = key.seal(fields as JsonObject, identity);
      key.check(JSON.parse(JSON.stringify(sealed)) as JsonObject, identity);
    }),
    { numRuns: 30 },
  );
});

Deno.test("UserKey.check() refuses a card with another character anywhere", () => {
  const text = JSON.stringify(key.seal(card, rank3));
  for (let at = 0; at < text.length; at += 7) {
    const changed = text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ 1) + text.slice(at + 1);
    let fields: JsonObject;
    try {
      fields = JSON.parse(changed) as JsonObject;
    } catch {
      continue;
    }
    assertThrows(() => key.check(fields, rank3), { errno: "EACCES", text: "rank 3" });
  }
});

const others: [string, Identity][] = [
  ["that another rank has sealed", { ...rank3, rank: 4 }],
  ["of another session", { ...rank3, session: "24.1" }],
  ["of a session of another size", { ...rank3, size: 9 }],
];
for (const [what, identity] of others) {
  Deno.test(`UserKey.check() refuses a card ${what}`, () => {
    const text = "business card of rank 3 (node3): the seal is wrong";
    assertThrows(() => key.check(key.seal(card, identity), rank3), { errno: "EACCES", text });
  });
}

Deno.test("UserKey.check() refuses a card that is not sealed, and a seal that is no text of a seal", () => {
  assertThrows(() => key.check(card, rank3), { errno: "EACCES", text: "(node3): not sealed" });
  for (const seal of [null, 7, "", "x".repeat(39), " ".repeat(40), "#".repeat(40)]) {
    assertThrows(() => key.check({ ...card, seal }, rank3), { errno: "EACCES", text: "the seal is wrong" });
  }
});

Deno.test("UserKey.check() refuses what another user's key has sealed", () => {
  const other = new UserKey(makeKeyPair(systemRandom).secretKey, server.publicKey);
  assertThrows(() => key.check(other.seal(card, rank3), rank3), { errno: "EACCES", text: "the seal is wrong" });
});

Deno.test("UserKey.seal() seals again what bears a seal already", () => {
  const sealed = key.seal(card, { ...rank3, rank: 4 });
  assertEquals(key.seal(sealed, rank3), key.seal(card, rank3));
});

Deno.test("a user's key is the same made of either side's secret", () => {
  const mirrored = new UserKey(server.secretKey, client.publicKey);
  assertEquals(mirrored.seal(card, rank3), key.seal(card, rank3));
});

Deno.test("UserKey.linkKeys() gives passwords that tell nothing of the keys of CURVE", () => {
  const password = key.linkKeys(rank3, "plain");
  assertEquals(keyPairOf(password.secretKey).publicKey, password.publicKey);
  assert(password.mechanism === "plain" && password.secretKey !== key.linkKeys(rank3).secretKey);
});

Deno.test("UserKey.linkKeys() gives each rank of each session keys of its own, and every broker the same ones", () => {
  const again = new UserKey(client.secretKey, server.publicKey);
  assertEquals(again.linkKeys(rank3), key.linkKeys(rank3));
  const all = [rank3, ...others.map(([, identity]) => identity)].map((one) => key.linkKeys(one).publicKey);
  assertEquals(new Set(all).size, all.length);
  assert(!JSON.stringify(key.seal(card, rank3)).includes(key.linkKeys(rank3).secretKey));
});

Deno.test("certificateKey() finds the keys of a certificate, and says which one is not there", () => {
  const files = certificateFiles(client, { role: "client" }, "now");
  assertEquals(certificateKey(files.secret, "secret", "/a"), client.secretKey);
  assertEquals([files.public, files.secret].map((text) => certificateKey(text, "public", "/a")), [
    client.publicKey,
    client.publicKey,
  ]);
  assertThrows(() => certificateKey(files.public, "secret", "/a"), {
    errno: "EINVAL",
    text: "/a: a certificate without its secret-key",
  });
});
