import { zmqTransport } from "../../../../broker/overlay/zmq/mod.ts";
import { ipcPath } from "../../../../broker/overlay/zmq/unix_socket.ts";
import type { ListenerEvents, Transport } from "../../../../broker/ports/mod.ts";
import { assertEquals, assertThrows } from "../../../assert.ts";

const nothing: ListenerEvents = { message: () => {}, down: () => {} };

/** A transport and a directory of its own. */
async function using(action: (transport: Transport, directory: string) => unknown): Promise<void> {
  const directory = Deno.makeTempDirSync({ prefix: "unix-" }), transport = zmqTransport();
  try {
    await action(transport, directory);
  } finally {
    await transport.close(0);
    Deno.removeSync(directory, { recursive: true });
  }
}

Deno.test("ipcPath() refuses a path that does not fit a socket address, counted in bytes", () => {
  assertEquals(ipcPath(`ipc:///${"a".repeat(106)}`).length, 107);
  assertThrows(() => ipcPath(`ipc:///${"a".repeat(107)}`), {
    errno: "EINVAL",
    text: "at most 107 bytes, this one 108",
  });
  assertThrows(() => ipcPath(`ipc:///${"é".repeat(60)}`), { errno: "EINVAL", text: "this one 121" });
});

Deno.test("ipcPath() refuses a relative path", () => {
  assertThrows(() => ipcPath("ipc://socket"), { errno: "EINVAL", text: "absolute" });
});

Deno.test("zmqTransport.listen() and dial() refuse what is no endpoint", () =>
  using((transport) => {
    for (
      const endpoint of [
        "",
        "tcp://",
        "tcp://host",
        "udp://host:1",
        "ipc://",
        `ipc:///${"x".repeat(200)}`,
        "inproc://x",
      ]
    ) {
      assertThrows(() => transport.listen(endpoint, {}, nothing), { errno: "EINVAL" });
      const events = { message: () => {}, down: () => {} };
      assertThrows(() => transport.dial(endpoint, { name: "a" }, events), { errno: "EINVAL" });
    }
  }));

Deno.test(
  "zmqTransport.listen() replaces the socket file of a dead listener",
  () =>
    using(async (transport, directory) => {
      const path = `${directory}/stale`;
      // A Deno listener that is killed with its process leaves its file.
      const code = `Deno.listen({ transport: "unix", path: ${JSON.stringify(path)} }); Deno.kill(Deno.pid, "SIGKILL")`;
      await new Deno.Command(Deno.execPath(), { args: ["eval", code] }).output();
      assertEquals(Deno.lstatSync(path).isSocket, true);
      transport.listen(`ipc://${path}`, {}, nothing);
    }),
);

Deno.test(
  "zmqTransport.listen() leaves the file of somebody else alone",
  () =>
    using((transport, directory) => {
      const path = `${directory}/live`;
      using _listener = Deno.listen({ transport: "unix", path });
      assertThrows(() => transport.listen(`ipc://${path}`, {}, nothing), { errno: "EADDRINUSE", text: path });
      assertEquals(Deno.lstatSync(path).isSocket, true);
      Deno.writeTextFileSync(`${directory}/file`, "precious");
      assertThrows(() => transport.listen(`ipc://${directory}/file`, {}, nothing), { errno: "EADDRINUSE" });
      assertEquals(Deno.readTextFileSync(`${directory}/file`), "precious");
    }),
);

Deno.test("zmqTransport.listen() says why it cannot make a socket", () =>
  using((transport, directory) => {
    assertThrows(() => transport.listen(`ipc://${directory}/no/socket`, {}, nothing), {
      errno: "ENOENT",
      text: "no/socket",
    });
  }));

Deno.test("Listener.close() removes the socket file", () =>
  using((transport, directory) => {
    const listener = transport.listen(`ipc://${directory}/socket`, {}, nothing);
    assertEquals(Deno.lstatSync(`${directory}/socket`).isSocket, true);
    listener.close();
    assertEquals([...Deno.readDirSync(directory)].length, 0);
    transport.listen(`ipc://${directory}/socket`, {}, nothing);
  }));
