/**
 * `api` (in 0.88: connector-local): clients over a UNIX socket (wire.md §2). Each connection is an endpoint of its
 * own; the router keeps its subscriptions and services and tells others when it goes.
 */

import { FluxError, Role } from "../../broker/message/mod.ts";
import { isBroken, MessageStream, type Module, type ModulePorts } from "../../broker/handle/mod.ts";
import { sleep } from "../../broker/ports/mod.ts";
import { PeerCredentials } from "./peer_credentials.ts";

/**
 * A client that lets more than this wait is no longer listened to until it reads, bytes. Large, since plain clients
 * write all their requests before they read the first answer, and would wait for us as we for them.
 */
const PAUSE = 64 << 20;
/** A client that lets more than this wait is disconnected, bytes. */
const LIMIT = 256 << 20;
/** Rest after a failed accept (no descriptors left), ms. */
const RETRY = 10;
const EPERM = 1;

const api: Module = {
  name: "api",
  services: ["connector-local"],
  start({ ports }) {
    const path = ports.attribute("local-uri")?.replace("local://", "") ?? "";
    const listener = listen(path);
    const credentials = new PeerCredentials(path);
    const clients = new Set<MessageStream>();
    const serving = accept(listener, ports, (conn) => {
      const uid = credentials.of(conn);
      if (uid === Deno.uid()) void serve(conn, uid, ports, clients);
      else void refuse(conn, uid, ports);
    });
    return {
      async stop() {
        listener.close();
        for (const client of clients) client.close();
        await serving;
        credentials.close();
        removeFile(path);
      },
    };
  },
};
export default api;

function listen(path: string): Deno.UnixListener {
  removeFile(path);
  try {
    const listener = Deno.listen({ transport: "unix", path });
    Deno.chmodSync(path, 0o777);
    return listener;
  } catch (error) {
    throw new FluxError("EIO", `cannot listen on ${path}: ${error instanceof Error ? error.message : error}`);
  }
}

async function accept(listener: Deno.UnixListener, ports: ModulePorts, each: (conn: Deno.UnixConn) => void) {
  for (;;) {
    try {
      each(await listener.accept());
    } catch (error) {
      if (error instanceof Deno.errors.BadResource) return;
      ports.log("err", `accept: ${error instanceof Error ? error.message : error}`);
      await sleep(ports.clock, RETRY);
    }
  }
}

/** Says hello with a 0 byte, then carries messages between the connection and the router until either ends. */
async function serve(conn: Deno.UnixConn, uid: number, ports: ModulePorts, clients: Set<MessageStream>): Promise<void> {
  const id = ports.random.uuid();
  const stream = new MessageStream(conn, PAUSE);
  const channel = ports.attach({ id, userid: uid, rolemask: Role.owner | Role.local, backlog: () => stream.backlog });
  clients.add(stream);
  try {
    channel.open({
      message(message) {
        stream.send(message);
        if (stream.backlog <= LIMIT) return;
        ports.log("err", `client ${id.slice(0, 8)} does not read: ${LIMIT >> 20} MiB are waiting for it; disconnected`);
        stream.abort();
      },
      closed: () => stream.close(),
    });
    await conn.write(new Uint8Array([0]));
    await stream.receive((message) => channel.send(message));
  } catch (error) {
    if (error instanceof FluxError) ports.log("err", `client ${id.slice(0, 8)} dropped: ${error.message}`);
    else if (!isBroken(error)) throw error;
  } finally {
    clients.delete(stream);
    channel.close();
    stream.abort();
  }
}

async function refuse(conn: Deno.UnixConn, uid: number | undefined, ports: ModulePorts): Promise<void> {
  ports.log("warning", `connection of uid ${uid ?? "unknown"} refused: only the owner may connect`);
  try {
    await conn.write(new Uint8Array([EPERM]));
  } catch (error) {
    if (!isBroken(error)) throw error;
  }
  conn.close();
}

function removeFile(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
