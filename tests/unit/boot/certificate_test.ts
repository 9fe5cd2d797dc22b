/** Keys and their files; test vector of ZeroMQ RFC 32, and of libzmq's own key pairs. */

import fc from "fast-check";
import { assert, assertEquals, assertThrows } from "../../assert.ts";
import { systemRandom } from "../../../broker/ports/mod.ts";
import { certificateFiles, keyPairOf, makeKeyPair } from "../../../broker/boot/certificate.ts";
import { decodeZ85, encodeZ85 } from "../../../broker/boot/mod.ts";
import { curveKeypair } from "../../../broker/overlay/zmq/mod.ts";

Deno.test("encodeZ85() gives the example of RFC 32", () => {
  const bytes = new Uint8Array([0x86, 0x4f, 0xd2, 0x6f, 0xb5, 0x59, 0xf7, 0x5b]);
  assertEquals(encodeZ85(bytes), "HelloWorld");
  assertEquals(decodeZ85("HelloWorld"), bytes);
});

Deno.test("decodeZ85() gives back what encodeZ85() was given", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
    const whole = bytes.slice(0, bytes.length - bytes.length % 4);
    assertEquals([...decodeZ85(encodeZ85(whole))], [...whole]);
  }));
});

for (const [text, why] of [["abcd", "no multiple of 5"], ["abc~e", "no character"], ["#####", "too large"]] as const) {
  Deno.test(`decodeZ85() refuses "${text}": ${why}`, () => {
    assertThrows(() => decodeZ85(text), { errno: "EINVAL", text: why });
  });
}

Deno.test("keyPairOf() finds the public key that libzmq has made for a secret one", () => {
  const keys = curveKeypair();
  assertEquals(keyPairOf(keys.secretKey), keys);
});

Deno.test("keyPairOf() refuses what is no key", () => {
  assertThrows(() => keyPairOf("short"), { errno: "EINVAL", text: "40 characters" });
});

Deno.test("makeKeyPair() makes another one each time", () => {
  assert(makeKeyPair(systemRandom).publicKey !== makeKeyPair(systemRandom).publicKey);
});

Deno.test("certificateFiles() keeps the secret key out of the public file", () => {
  const keys = { publicKey: "P".repeat(40), secretKey: "S".repeat(40) };
  const files = certificateFiles(keys, { role: "client" }, "2026-01-02 03:04:05");
  const common = `\n\nmetadata\n    role = "client"\ncurve\n    public-key = "${keys.publicKey}"\n`;
  assert(files.public.endsWith(common), files.public);
  assert(files.secret.endsWith(`${common}    secret-key = "${keys.secretKey}"\n`), files.secret);
  for (const line of files.secret.split("\n\n")[0]!.split("\n")) assert(line.startsWith("#   "), line);
});
