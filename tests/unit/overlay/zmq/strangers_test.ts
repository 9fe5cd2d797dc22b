/** What strangers can do who reach the port of a listener with keys: nothing that anybody would notice. */

import { assert, assertEquals } from "../../../assert.ts";
import { curveKeypair, zmqTransport } from "../../../../broker/overlay/zmq/mod.ts";
import { HALF_OPEN_LIMIT } from "../../../../broker/overlay/zmq/half_open.ts";
import { systemConnections } from "../../../../broker/overlay/zmq/connection.ts";
import { type KeyPair, type Mechanism, mismatch, type Transport } from "../../../../broker/ports/mod.ts";

const MECHANISMS = ["curve", "plain"] as const;

/** A listener on a port of this host, and what it heard. */
class Fort implements AsyncDisposable {
  readonly keys: KeyPair;
  readonly friend: KeyPair;
  readonly heard: string[] = [];
  readonly refused: string[] = [];
  readonly #transport: Transport = zmqTransport();
  readonly #changes: (() => void)[] = [];
  readonly port: number;

  constructor(mechanism: Mechanism = "curve") {
    this.keys = { ...curveKeypair(), mechanism };
    this.friend = { ...curveKeypair(), mechanism };
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

for (const mechanism of MECHANISMS) {
  Deno.test(`connections that say nothing make way for others, and friends get in meanwhile (${mechanism})`, async () => {
    await using fort = new Fort(mechanism);
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
}

for (const mechanism of MECHANISMS) {
  Deno.test(`garbage on the port is cut off, and friends get in afterwards (${mechanism})`, async () => {
    await using fort = new Fort(mechanism);
    const junk = [
      new TextEncoder().encode("GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
      new Uint8Array(1 << 16).fill(0xff),
      crypto.getRandomValues(new Uint8Array(1 << 15)),
      // A greeting of ZMTP 3 without security, then a message.
      Uint8Array.from([
        0xff,
        ...Array(8).fill(0),
        0x7f,
        3,
        0,
        ...new TextEncoder().encode("NULL"),
        ...Array(48).fill(0),
      ]),
      // The same that asks for it, then nonsense instead of a HELLO.
      Uint8Array.from([
        0xff,
        ...Array(8).fill(0),
        0x7f,
        3,
        0,
        ...new TextEncoder().encode(mechanism.toUpperCase()),
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
}

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

for (const mechanism of MECHANISMS) {
  Deno.test(`a first message without end is cut off before it fills the memory (${mechanism})`, async () => {
    await using fort = new Fort(mechanism);
    const conn = await fort.connect();
    // A greeting that asks for it, then the head of a message of 900 MB, then zeros.
    const name = new TextEncoder().encode(mechanism.toUpperCase());
    await conn.write(Uint8Array.from([0xff, ...Array(8).fill(0), 0x7f, 3, 1, ...name, ...Array(47).fill(0)]));
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
}

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

/** A greeting of ZMTP 3 that asks for PLAIN, then the HELLO of somebody by this name with this password. */
function plainHello(user: string, password: string): Uint8Array<ArrayBuffer> {
  const [name, secret] = [user, password].map((text) => new TextEncoder().encode(text));
  const body = [5, ...new TextEncoder().encode("HELLO"), name!.length, ...name!, secret!.length, ...secret!];
  const greeting = [0xff, ...Array(8).fill(0), 0x7f, 3, 0, ...new TextEncoder().encode("PLAIN"), ...Array(47).fill(0)];
  const frame = body.length < 256 ? [4, body.length] : [6, ...Array(6).fill(0), body.length >> 8, body.length & 255];
  return Uint8Array.from([...greeting, ...frame, ...body]);
}

/** What is answered to somebody by this name with this password: the status of an ERROR, or that it is welcome. */
async function answerTo(fort: Fort, user: string, password: string): Promise<string> {
  using conn = await fort.connect();
  await conn.write(plainHello(user, password));
  let answer = "";
  const buffer = new Uint8Array(256);
  for (;;) {
    // libzmq 4.3.5 misspells the name of the command ("\x5E" for the length 5 and an E).
    const found = /(?<=RROR.)\d{3}|WELCOME/s.exec(answer)?.[0];
    if (found !== undefined) return found;
    const length = await conn.read(buffer);
    assert(length !== null, answer);
    answer += new TextDecoder("latin1").decode(buffer.subarray(0, length));
  }
}

Deno.test("whoever has no password, or a wrong one, gets nothing, and is told of once", async () => {
  await using fort = new Fort("plain");
  const { publicKey, secretKey } = fort.friend, other = curveKeypair();
  const wrong: [string, string][] = [
    [publicKey, ""],
    ["", ""],
    ["", secretKey],
    [publicKey, other.secretKey],
    [publicKey, publicKey],
    [publicKey, secretKey.slice(0, 39)],
    [publicKey, `${secretKey}x`],
    [publicKey, secretKey.slice(0, 39) + "\0"],
    [publicKey, "é".repeat(20)],
    [publicKey, "~".repeat(40)],
    [publicKey, "x".repeat(255)],
    ["a\nline of the log", secretKey],
    ["x".repeat(255), "x".repeat(255)],
    [other.publicKey, other.secretKey],
  ];
  for (const [user, password] of wrong) {
    assertEquals(await answerTo(fort, user, password), "400");
  }
  await fort.visit("hello");
  assertEquals([fort.heard, fort.refused], [["hello"], [`127.0.0.1: wrong password for key ${publicKey}`]]);
});

Deno.test("what a stranger calls itself does not get into the log unless it is a key", async () => {
  await using fort = new Fort("plain");
  await answerTo(fort, "a\nline of the log", "secret");
  assertEquals(fort.refused, ["127.0.0.1: wrong password"]);
});

Deno.test("whoever has seen a name and its password is let in by them", async () => {
  await using fort = new Fort("plain");
  assertEquals(await answerTo(fort, fort.friend.publicKey, fort.friend.secretKey), "WELCOME");
  assertEquals(fort.refused, []);
});

for (const listens of MECHANISMS) {
  for (const dials of ["curve", "plain", "none"] as const) {
    if (dials === listens) continue;
    Deno.test(`who dials with ${dials} where ${listens} is asked for is refused, and both sides are told`, async () => {
      await using fort = new Fort(listens);
      const keys = dials === "none" ? undefined : { ...fort.friend, mechanism: dials };
      const security = keys ? { keys, serverKey: fort.keys.publicKey } : {};
      const transport = zmqTransport();
      const told = Promise.withResolvers<string>();
      transport.dial(`tcp://127.0.0.1:${fort.port}`, { name: "a", ...security }, {
        up: () => told.reject(new Error("let in")),
        message: () => {},
        down: () => {},
        refused: told.resolve,
      });
      assertEquals(await told.promise, mismatch(keys));
      await fort.until(() => fort.refused.length > 0);
      await transport.close(0);
      assertEquals(fort.refused, [`127.0.0.1: ${mismatch(fort.keys)}`]);
    });
  }
}

Deno.test("who dials with a wrong password is told", async () => {
  await using fort = new Fort("plain");
  const transport = zmqTransport();
  const told = Promise.withResolvers<string>();
  const keys = { ...fort.friend, secretKey: curveKeypair().secretKey };
  transport.dial(`tcp://127.0.0.1:${fort.port}`, { name: "a", keys, serverKey: fort.keys.publicKey }, {
    message: () => {},
    down: () => {},
    refused: told.resolve,
  });
  assertEquals(await told.promise, "the key of this side is not admitted");
  await transport.close(0);
  assertEquals(fort.heard, []);
});
