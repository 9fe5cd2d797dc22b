/** `flux kvs watch`, `watch-dir` and `get --watch`: what they print as the store changes, and how they end. */

import { assertEquals } from "../assert.ts";
import { kvs, refused, Running } from "./kvs_session.ts";
import { startSession, until } from "./session.ts";

/** Resolves when a command has printed this, and fails when it prints something else. */
async function prints(running: Running, text: string): Promise<void> {
  await until(
    `${JSON.stringify(text)} after ${JSON.stringify(running.stdout)}`,
    () => running.stdout.length >= text.length,
  );
  assertEquals(running.stdout, text);
}

Deno.test("flux kvs watch prints a value, then each change, until Ctrl-C", async () => {
  await using session = await startSession({ size: 3 });
  await using watching = new Running(session, ["watch", "a.b"], 2);
  await prints(watching, "NULL\n");
  await kvs(session, ["put", "a.b=1"]);
  await prints(watching, "NULL\n1\n");
  await kvs(session, ["put", "a.b=text", "other=1"], { rank: 1 });
  await prints(watching, 'NULL\n1\n"text"\n');
  await kvs(session, ["put", "a.b=text"]);
  await kvs(session, ["unlink", "a"]);
  await prints(watching, 'NULL\n1\n"text"\nNULL\n');
  await kvs(session, ["put", "a.b=1"]);
  await prints(watching, 'NULL\n1\n"text"\nNULL\n1\n');
  assertEquals(await watching.interrupted(), [130, ""]);
});

Deno.test("flux kvs watch follows a link, and ends with an error when a directory comes in the place of the value", async () => {
  await using session = await startSession();
  await kvs(session, ["put", "x=1", "y=2"]);
  await kvs(session, ["link", "x", "l"]);
  await using watching = new Running(session, ["watch", "l"]);
  await prints(watching, "1\n");
  await kvs(session, ["link", "y", "l"]);
  await prints(watching, "1\n2\n");
  await kvs(session, ["put", "y.z=3"]);
  const [code, stderr] = await watching.ended();
  assertEquals([code, stderr.split("\n")[0]], [1, "flux-kvs: l: Is a directory"]);
});

Deno.test("flux kvs watch-dir lists a directory again at each change in it", async () => {
  await using session = await startSession({ size: 2 });
  await using watching = new Running(session, ["watch-dir", "-r", "d"], 1);
  const rule = `${"=".repeat(22)}\n`;
  let expected = "d: No such file or directory\n";
  await prints(watching, expected);
  await kvs(session, ["put", "d.a=1"]);
  await prints(watching, expected += `d.a = 1\n${rule}`);
  await kvs(session, ["put", "d.s.t=2"]);
  await prints(watching, expected += `d.a = 1\nd.s.t = 2\n${rule}`);
  await kvs(session, ["put", "other=1"]);
  await kvs(session, ["put", "d.s.t=3"]);
  await prints(watching, expected += `d.a = 1\nd.s.t = 3\n${rule}`);
  assertEquals(await watching.interrupted(), [130, ""]);
});

Deno.test("flux kvs get --watch prints what is asked for and stops after --count", async () => {
  await using session = await startSession();
  await using created = new Running(session, ["get", "-w", "-W", "-c", "2", "a"]);
  await using once = new Running(session, ["get", "--waitcreate", "a"]);
  await using two = new Running(session, ["get", "-w", "-W", "-l", "-c", "1", "a", "b"]);
  await kvs(session, ["put", "a=1"]);
  await prints(created, "1\n");
  await prints(two, "a=1\n");
  assertEquals([await once.ended(), once.stdout], [[0, ""], "1\n"]);
  await using uniq = new Running(session, ["get", "-w", "-u", "a"]);
  await prints(uniq, "1\n");
  await kvs(session, ["put", "a=1"]);
  assertEquals([await created.ended(), created.stdout], [[0, ""], "1\n1\n"]);
  await kvs(session, ["put", "a=2"]);
  await prints(uniq, "1\n2\n");
  await kvs(session, ["put", "b=3"]);
  assertEquals([await two.ended(), two.stdout], [[0, ""], "a=1\nb=3\n"]);
  await kvs(session, ["unlink", "a"]);
  assertEquals(await uniq.ended(), [1, "flux-kvs: a: No such file or directory\n"]);
  assertEquals(await refused(session, ["get", "--watch", "a"]), "flux-kvs: a: No such file or directory\n");
});

Deno.test("flux kvs get --watch --append prints what is appended", async () => {
  await using session = await startSession({ size: 2 });
  await kvs(session, ["put", "--append", "log=abc\n"]);
  await using watching = new Running(session, ["get", "--watch", "--append", "log"], 1);
  await prints(watching, "abc\n");
  await kvs(session, ["put", "--append", "log=def\n"]);
  await prints(watching, "abc\ndef\n");
  assertEquals(await watching.interrupted(), [130, ""]);
});

Deno.test("flux kvs eventlog get --follow and wait-event end by Ctrl-C", async () => {
  await using session = await startSession();
  await kvs(session, ["eventlog", "append", "-t", "1", "log", "begin"]);
  await using log = new Running(session, ["eventlog", "get", "--follow", "log"]);
  await prints(log, "1.000000 begin\n");
  await using event = new Running(session, ["eventlog", "wait-event", "-v", "log", "never"]);
  await prints(event, "1.000000 begin\n");
  assertEquals(await log.interrupted(), [130, ""]);
  assertEquals(await event.interrupted(), [130, ""]);
});
