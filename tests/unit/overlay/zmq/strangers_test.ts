/** What strangers can do who reach the port of a listener with keys: nothing that anybody would notice. */

import { assert, assertEquals } from "../../../assert.ts";
import { curveKeypair, zmqTransport } from "../../../../broker/overlay/zmq/mod.ts";
import { HALF_OPEN_LIMIT } from "../../../../broker/overlay/zmq/half_open.ts";
import { systemConnections } from "../../../../broker/overlay/zmq/connection.ts";
import type { Transport } from "../../../../broker/ports/mod.ts";

/** A listener on a port of this host, and what it heard. */
class Fort implements AsyncDisposable {
  readonly keys = curveKeypair();
  readonly friend = curveKeypair();
  readonly heard: string[] = [];
  readonly refused: string[] = [];
  readonly #transport: Transport = zmqTransport();
  readonly #changes: (() => void)[] = [];
  readonly port: number;

  constructor() {
    const admits = (key: string) => key === this.friend.publicKey;
    const listener = this.#transport.listen("tcp://127.0.0.1:*", { keys: this.keys, admits }, {
      message: (_peer, bytes) => this.#note(this.heard, new TextDecoder().decode(bytes)),
      down: () => {},
      refused: (address, reason) => this.#note(this.refused, `${address}: ${reason}`),
    });
    this.port = Number(listener.endpoint.split(":").at(-1));
  }

  #note(list: string[], text: string): void {
    list.push(text);
    for (const change of this.#changes.splice(0)) change();
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#changes.push(resolve));
  }

  connect(): Promise<Deno.TcpConn> {
    return Deno.connect({ hostname: "127.0.0.1", port: this.port });
  }

  /** A friend comes and says something, through `port` if that is not the fort's own; resolves when it was heard. */
  async visit(text: string, port = this.port, keys = this.friend): Promise<void> {
    const transport = zmqTransport();
    const link = transport.dial(`tcp://127.0.0.1:${port}`, { name: text, keys, serverKey: this.keys.publicKey }, {
      message: () => {},
      down: () => {},
    });
    link.send(new TextEncoder().encode(text));
    await this.until(() => this.heard.includes(text));
    await transport.close(100);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#transport.close(0);
  }
}

/** Reads until the other side ends the connection. */
async function ended(conn: Deno.TcpConn): Promise<void> {
  const buffer = new Uint8Array(1 << 16);
  try {
    while (await conn.read(buffer) !== null);
  } catch {
    // Reset, or closed here: it is over.
  }
}

function close(conn: Deno.TcpConn): void {
  try {
    conn.close();
  } catch {
    // It was over already.
  }
}

Deno.test("connections that say nothing make way for others, and friends get in meanwhile", async () => {
  await using fort = new Fort();
  const extra = 40, over: Deno.TcpConn[] = [];
  const mute: Deno.TcpConn[] = [];
  const enough = Promise.withResolvers<void>();
  for (let i = 0; i < HALF_OPEN_LIMIT + extra; i++) {
    const conn = await fort.connect();
    mute.push(conn);
    void ended(conn).then(() => over.push(conn) >= extra && enough.resolve());
  }
  await enough.promise;
  await fort.visit("hello");
  assertEquals(fort.heard, ["hello"]);
  // Who came last is still let try.
  assert(!over.includes(mute.at(-1)!));
  for (const conn of mute) close(conn);
});

Deno.test("garbage on the port is cut off, and friends get in afterwards", async () => {
  await using fort = new Fort();
  const junk = [
    new TextEncoder().encode("GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
    new Uint8Array(1 << 16).fill(0xff),
    crypto.getRandomValues(new Uint8Array(1 << 15)),
    // A greeting of ZMTP 3 without security, then a message.
    Uint8Array.from([0xff, ...Array(8).fill(0), 0x7f, 3, 0, ...new TextEncoder().encode("NULL"), ...Array(48).fill(0)]),
    // The same that asks for CURVE, then nonsense instead of a HELLO.
    Uint8Array.from([
      0xff,
      ...Array(8).fill(0),
      0x7f,
      3,
      0,
      ...new TextEncoder().encode("CURVE"),
      ...Array(47).fill(0),
      4,
      200,
      ...Array(200).fill(7),
    ]),
  ];
  for (const bytes of junk) {
    const conn = await fort.connect();
    await conn.write(bytes).catch(() => {});
    await conn.closeWrite().catch(() => {});
    await ended(conn);
    close(conn);
  }
  await fort.visit("hello");
  assertEquals(fort.heard, ["hello"]);
});

Deno.test("a thousand connections that are closed at once cost nothing that stays", async () => {
  await using fort = new Fort();
  await fort.visit("before");
  const descriptors = () => [...Deno.readDirSync("/proc/self/fd")].length;
  const before = descriptors();
  for (let i = 0; i < 1000; i++) (await fort.connect()).close();
  await fort.visit("after");
  // Those that are on their way out.
  for (let i = 0; descriptors() > before + 5 && i < 200; i++) await fort.visit(`again ${i}`);
  assert(descriptors() <= before + 5, `${descriptors()} descriptors, ${before} before`);
});

Deno.test("what a friend said is not heard again when its bytes are played back", async () => {
  await using fort = new Fort();
  using proxy = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = proxy.addr as Deno.NetAddr;
  const recorded: Uint8Array[] = [];
  const relaying = (async () => {
    const friend = await proxy.accept(), there = await fort.connect();
    const back = there.readable.pipeTo(friend.writable).catch(() => {});
    const writer = there.writable.getWriter();
    for await (const bytes of friend.readable) {
      recorded.push(bytes);
      await writer.write(bytes);
    }
    await writer.close().catch(() => {});
    await back;
  })().catch(() => {});
  await fort.visit("secret", port);
  await relaying;
  const spoken = recorded.reduce((sum, { length }) => sum + length, 0);
  assert(spoken > 500 && !recorded.some((bytes) => new TextDecoder().decode(bytes).includes("secret")));
  for (let i = 0; i < 3; i++) {
    const conn = await fort.connect();
    const over = ended(conn);
    for (const bytes of recorded) await conn.write(bytes).catch(() => {});
    await conn.closeWrite().catch(() => {});
    await over;
    close(conn);
  }
  await fort.visit("hello");
  assertEquals(fort.heard, ["secret", "hello"]);
});

Deno.test("a stranger that makes new keys each time is told of once", async () => {
  await using fort = new Fort();
  for (let i = 0; i < 5; i++) {
    const transport = zmqTransport();
    const told = Promise.withResolvers<void>();
    const security = { keys: curveKeypair(), serverKey: fort.keys.publicKey };
    transport.dial(`tcp://127.0.0.1:${fort.port}`, { name: `${i}`, ...security }, {
      message: () => {},
      down: () => {},
      refused: () => told.resolve(),
    });
    await told.promise;
    await transport.close(0);
  }
  assertEquals(fort.refused.length, 1);
  assert(/^127\.0\.0\.1: key .{40} is not admitted$/.test(fort.refused[0]!), fort.refused[0]);
  assertEquals(fort.heard, []);
});

Deno.test("a first message without end is cut off before it fills the memory", async () => {
  await using fort = new Fort();
  const conn = await fort.connect();
  // A greeting that asks for CURVE, then the head of a message of 900 MB, then zeros.
  const mechanism = new TextEncoder().encode("CURVE");
  await conn.write(Uint8Array.from([0xff, ...Array(8).fill(0), 0x7f, 3, 1, ...mechanism, ...Array(47).fill(0)]));
  await conn.write(Uint8Array.from([6, 0, 0, 0, 0, 0x38, 0x40, 0, 0]));
  const over = ended(conn);
  const before = Deno.memoryUsage().rss;
  const zeros = new Uint8Array(1 << 16);
  let sent = 0;
  try {
    while (sent < 900 << 20) sent += await conn.write(zeros);
  } catch {
    // It was cut off.
  }
  assert(sent < 400 << 20, `${sent} bytes were taken`);
  assert(Deno.memoryUsage().rss - before < 512 << 20);
  await over;
  close(conn);
  await fort.visit("hello");
  assertEquals(fort.heard, ["hello"]);
});

Deno.test("systemConnections leave alone what is not the connection that was meant", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  const conn = await Deno.connect({ hostname: "127.0.0.1", port });
  const served = await listener.accept();
  await served.write(new Uint8Array(5000));
  const buffer = new Uint8Array(9000);
  for (let read = 0; read < 5000;) read += (await conn.read(buffer))!;
  const all = [...Deno.readDirSync("/proc/self/fd")].map(({ name }) => Number(name));
  const told = (remote: string) => [...all, 99999].map((fd) => systemConnections.received(fd, remote) ?? -1);
  assertEquals([Math.max(...told(`tcp://127.0.0.1:${port}`)), Math.max(...told("tcp://127.0.0.1:1"))], [5000, -1]);
  for (const fd of [...all, 99999]) systemConnections.end(fd, "tcp://127.0.0.1:1");
  await conn.write(Uint8Array.of(7));
  assertEquals(await served.read(new Uint8Array(9)), 1);
  for (const fd of all) systemConnections.end(fd, `tcp://127.0.0.1:${port}`);
  assertEquals(await served.read(new Uint8Array(9)), null);
  conn.close();
  served.close();
});
