/** `flux keygen` from the outside. */

import { assert, assertEquals } from "../assert.ts";
import { keyPairOf } from "../../broker/boot/certificate.ts";
import { runFlux, workDirectory } from "./session.ts";

const NAMES = ["client", "client_private", "server", "server_private"];

Deno.test("flux keygen makes four certificates that only their owner can read", async () => {
  await using work = await workDirectory();
  const { code, stdout } = await runFlux(["keygen"], { env: { HOME: work.path } });
  const directory = `${work.path}/.flux/curve`;
  assertEquals([code, stdout], [0, NAMES.map((name) => `Saving ${directory}/${name}\n`).join("")]);
  for (const path of [`${work.path}/.flux`, directory]) assertEquals(Deno.statSync(path).mode! & 0o777, 0o700);
  for (const role of ["client", "server"]) {
    assertEquals(Deno.statSync(`${directory}/${role}_private`).mode! & 0o777, 0o600);
    assertEquals(Deno.readLinkSync(`${directory}/${role}_secret`), `${role}_private`);
    const text = Deno.readTextFileSync(`${directory}/${role}_secret`);
    const key = (name: string, from = text) => new RegExp(`\n    ${name}-key = "(.{40})"\n`).exec(from)?.[1];
    assertEquals(keyPairOf(key("secret")!).publicKey, key("public"));
    assertEquals(key("public", Deno.readTextFileSync(`${directory}/${role}`)), key("public"));
  }
});

Deno.test("flux keygen leaves keys alone that are there, unless it is forced", async () => {
  await using work = await workDirectory();
  const env = { FLUX_SEC_DIRECTORY: `${work.path}/sec` };
  assertEquals((await runFlux(["keygen"], { env })).code, 0);
  const read = () => Deno.readTextFileSync(`${work.path}/sec/curve/server_private`);
  const before = read();
  const { code, stderr } = await runFlux(["keygen"], { env });
  assertEquals([code, stderr], [1, `flux-keygen: ${work.path}/sec/curve/client exists, try --force\n`]);
  assertEquals(read(), before);
  assertEquals((await runFlux(["keygen", "--force"], { env })).code, 0);
  assert(read() !== before);
});

Deno.test("flux keygen refuses a directory that others can look into", async () => {
  await using work = await workDirectory();
  for (const [name, path] of [["sec", "sec"], ["sec/curve", "sec"]] as const) {
    Deno.mkdirSync(`${work.path}/${name}`);
    Deno.chmodSync(`${work.path}/${name}`, 0o750);
    const { code, stderr } = await runFlux(["keygen", "--secdir", `${work.path}/${path}`]);
    const text = `flux-keygen: ${work.path}/${name}: mode should be 0700\nhint: chmod 700 ${work.path}/${name}\n`;
    assertEquals([code, stderr], [1, text]);
    Deno.chmodSync(`${work.path}/${name}`, 0o700);
  }
});

Deno.test("flux keygen says what is in its way", async () => {
  await using work = await workDirectory();
  const missing = await runFlux(["keygen", "--secdir", `${work.path}/a/b`]);
  assertEquals(missing.stderr, `flux-keygen: ${work.path}/a/b: the directory above it does not exist\n`);
  Deno.writeTextFileSync(`${work.path}/file`, "");
  const file = await runFlux(["keygen", "--secdir", `${work.path}/file`]);
  assertEquals(file.stderr, `flux-keygen: ${work.path}/file: Not a directory\n`);
  const plain = await runFlux(["keygen", "--plain", "--secdir", work.path]);
  assertEquals([plain.code, plain.stderr.split("\n")[0]], [1, "flux-keygen: passwords (--plain) are not supported"]);
});
