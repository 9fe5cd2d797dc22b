/** A session of one real broker inside the test's own process, with its UNIX socket, for tests of what meets clients. */

import { Broker } from "../broker/broker.ts";
import { Handle, open } from "../broker/handle/mod.ts";
import { sqliteStores, systemClock, systemFiles, systemRandom, type Transport } from "../broker/ports/mod.ts";
import { FluxError } from "../broker/message/mod.ts";

/** A network with nobody else in it. */
const alone: Transport = {
  listen: () => refuse(),
  dial: () => refuse(),
  close: () => Promise.resolve(),
};

function refuse(): never {
  throw new FluxError("ENETUNREACH");
}

export class LocalBroker {
  readonly broker: Broker;
  readonly rundir: string;

  constructor(broker: Broker, rundir: string) {
    this.broker = broker;
    this.rundir = rundir;
  }

  get socket(): string {
    return `${this.rundir}/local-0`;
  }
  get uri(): string {
    return `local://${this.socket}`;
  }

  connect(): Promise<Handle> {
    return open(this.uri);
  }

  /** A bare connection, past the handshake, for a client that behaves badly. */
  async raw(): Promise<Deno.UnixConn> {
    const conn = await Deno.connect({ transport: "unix", path: this.socket });
    const verdict = new Uint8Array(1);
    if (await conn.read(verdict) !== 1 || verdict[0] !== 0) throw new Error(`refused with ${verdict[0]}`);
    return conn;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.broker.shutdown(0, "the test is over");
    await this.broker.exited;
    await Deno.remove(this.rundir, { recursive: true });
  }
}

/** Starts one; dispose it with `await using`. */
export async function localBroker(modules: readonly string[] = ["api"]): Promise<LocalBroker> {
  const rundir = await Deno.makeTempDir({ prefix: "flux-test-" });
  const broker = new Broker({
    rank: 0,
    size: 1,
    arity: 2,
    userid: Deno.uid() ?? 0,
    hostname: Deno.hostname(),
    version: "0.1.0",
    pid: Deno.pid,
    rundir,
    modules: modules.map((name) => ({ name, args: [] })),
    attributes: {},
    heartrate: 2000,
    grace: 1000,
  }, {
    clock: systemClock,
    random: systemRandom,
    transport: alone,
    spawner: { spawn: () => refuse(), spawnTask: () => refuse() },
    stores: sqliteStores,
    files: systemFiles,
  });
  try {
    broker.listen({ tbon: "", events: "", ring: "" });
    await broker.start(null, null);
  } catch (error) {
    await Deno.remove(rundir, { recursive: true });
    throw error;
  }
  return new LocalBroker(broker, rundir);
}
