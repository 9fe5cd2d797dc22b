/** The certificates of a user on disk: found, and refused when others could have had them. */

import { assertEquals, assertRejects, assertThrows } from "../../assert.ts";
import { certificateFiles, makeKeyPair } from "../../../broker/boot/certificate.ts";
import { checkPrivate, readUserKey } from "../../../broker/boot/key_directory.ts";
import { UserKey } from "../../../broker/boot/user_key.ts";
import { systemRandom } from "../../../broker/ports/mod.ts";

const identity = { session: "s", size: 2, rank: 1 };

/** A directory as `flux keygen` leaves it, and the key that is in it. */
function keygen(): { path: string; key: UserKey } & Disposable {
  const path = Deno.makeTempDirSync();
  Deno.mkdirSync(`${path}/curve`, { mode: 0o700 });
  const [client, server] = [makeKeyPair(systemRandom), makeKeyPair(systemRandom)];
  const write = (name: string, text: string) => Deno.writeTextFileSync(`${path}/curve/${name}`, text, { mode: 0o600 });
  write("client_private", certificateFiles(client, {}, "now").secret);
  write("server", certificateFiles(server, {}, "now").public);
  const key = new UserKey(client.secretKey, server.publicKey);
  return { path, key, [Symbol.dispose]: () => Deno.removeSync(path, { recursive: true }) };
}

Deno.test("readUserKey() reads what flux keygen has made", async () => {
  using made = keygen();
  const key = await readUserKey(made.path);
  assertEquals(key?.linkKeys(identity), made.key.linkKeys(identity));
});

Deno.test("readUserKey() finds nothing where there are no keys", async () => {
  using made = keygen();
  assertEquals(await readUserKey(`${made.path}/none`), undefined);
  assertEquals(await readUserKey(undefined), undefined);
});

for (const [name, mode] of [["", 0o755], ["/curve", 0o710], ["/curve/client_private", 0o640]] as const) {
  Deno.test(`readUserKey() refuses keys when PATH${name} has mode ${mode.toString(8)}`, async () => {
    using made = keygen();
    Deno.chmodSync(`${made.path}${name}`, mode);
    const text = `${made.path}${name}: mode should be ${name.endsWith("private") ? "0600" : "0700"}`;
    await assertRejects(() => readUserKey(made.path), { errno: "EACCES", text });
  });
}

Deno.test("readUserKey() names the file that is missing, and the one that is no certificate", async () => {
  using made = keygen();
  Deno.removeSync(`${made.path}/curve/server`);
  await assertRejects(() => readUserKey(made.path), { errno: "ENOENT", text: "curve/server is missing" });
  Deno.writeTextFileSync(`${made.path}/curve/server`, "nothing");
  await assertRejects(() => readUserKey(made.path), { errno: "EINVAL", text: "without its public-key" });
});

Deno.test("checkPrivate() refuses what belongs to somebody else", () => {
  const facts = { isDirectory: true, mode: 0o40700, uid: 1000 };
  assertThrows(() => checkPrivate("/k", facts, 1001), { errno: "EACCES", text: "/k: owner should be you" });
  checkPrivate("/k", facts, 1000);
});
