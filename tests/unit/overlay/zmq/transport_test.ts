import { curveKeypair, zmqTransport } from "../../../../broker/overlay/zmq/mod.ts";
import { libraryPath } from "../../../../broker/overlay/zmq/library_path.ts";
import { assert, assertEquals, assertNotEquals, assertThrows } from "../../../assert.ts";

const nothing = { message: () => {}, down: () => {} };

function descriptors(): number {
  return [...Deno.readDirSync("/proc/self/fd")].length;
}

Deno.test("libraryPath() takes FLUX_LIBZMQ before all else", () => {
  const before = Deno.env.get("FLUX_LIBZMQ");
  Deno.env.set("FLUX_LIBZMQ", "/somewhere/libzmq.so");
  try {
    assertEquals(libraryPath(), "/somewhere/libzmq.so");
  } finally {
    if (before === undefined) Deno.env.delete("FLUX_LIBZMQ");
    else Deno.env.set("FLUX_LIBZMQ", before);
  }
});

Deno.test("zmqTransport() names the library that it cannot load", async () => {
  const code = `import { zmqTransport } from ${
    JSON.stringify(import.meta.resolve("../../../../broker/overlay/zmq/mod.ts"))
  };
    try { zmqTransport().listen("tcp://127.0.0.1:*", {}, {}); } catch (error) { console.log(error.code, error.message); }`;
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-config", code],
    env: { FLUX_LIBZMQ: "/nonexistent/libzmq.so" },
  }).output();
  const text = new TextDecoder().decode(stdout);
  assert(text.startsWith("ENOENT cannot load /nonexistent/libzmq.so: "), text);
});

Deno.test("curveKeypair() makes Z85 keys of 40 characters, never the same", () => {
  const one = curveKeypair(), two = curveKeypair();
  for (const key of [one.publicKey, one.secretKey]) assert(/^[0-9a-zA-Z.\-:+=^!/*?&<>()[\]{}@%$#]{40}$/.test(key), key);
  assertNotEquals(one, two);
  assertNotEquals(one.publicKey, one.secretKey);
});

Deno.test("zmqTransport.dial() refuses a name, key or key pair that cannot be one", async () => {
  const transport = zmqTransport();
  const endpoint = "tcp://127.0.0.1:1", keys = curveKeypair();
  assertThrows(() => transport.dial(endpoint, { name: "" }, nothing), { errno: "EINVAL", text: "1 to 255 bytes" });
  assertThrows(() => transport.dial(endpoint, { name: "é".repeat(128) }, nothing), { errno: "EINVAL" });
  assertThrows(() => transport.dial(endpoint, { name: "a", keys }, nothing), {
    errno: "EINVAL",
    text: "key of the listener",
  });
  assertThrows(() => transport.dial(endpoint, { name: "a", keys, serverKey: "short" }, nothing), { errno: "EINVAL" });
  await transport.close(0);
});

Deno.test("Link.send() refuses a message over 1 GiB", async () => {
  const transport = zmqTransport();
  const link = transport.dial("tcp://127.0.0.1:1", { name: "a" }, nothing);
  assertThrows(() => link.send(new Uint8Array(2 ** 30 + 1)), { errno: "EMSGSIZE" });
  await transport.close(0);
});

Deno.test("zmqTransport.close() frees every descriptor and can be called twice", async () => {
  const use = async () => {
    const transport = zmqTransport();
    const keys = curveKeypair(), own = curveKeypair();
    const listener = transport.listen("tcp://127.0.0.1:*", { keys, admits: () => true }, nothing);
    const up = new Promise<void>((resolve) => {
      const security = { keys: own, serverKey: keys.publicKey };
      transport.dial(listener.endpoint, { name: "a", ...security }, { ...nothing, up: resolve });
    });
    await up;
    transport.dial("tcp://127.0.0.1:1", { name: "b" }, nothing);
    await Promise.all([transport.close(100), transport.close(100)]);
    await transport.close(100);
  };
  await use();
  const before = descriptors();
  for (let i = 0; i < 5; i++) await use();
  assertEquals(descriptors(), before);
});

Deno.test("zmqTransport.close() costs nothing when nothing was opened", async () => {
  await zmqTransport().close(1000);
});

Deno.test("A callback that throws does not stop the event loop", async () => {
  const transport = zmqTransport(), heard: number[] = [], errors: string[] = [];
  const onError = (event: ErrorEvent) => {
    event.preventDefault();
    errors.push(event.error.message);
  };
  globalThis.addEventListener("error", onError);
  const done = Promise.withResolvers<void>();
  const listener = transport.listen("tcp://127.0.0.1:*", {}, {
    message(_peer, body) {
      heard.push(body[0]!);
      if (body[0] === 3) done.resolve();
      throw new Error(`at ${body[0]}`);
    },
    down: () => {},
  });
  const link = transport.dial(listener.endpoint, { name: "a" }, nothing);
  for (const number of [1, 2, 3]) link.send(Uint8Array.of(number));
  await done.promise;
  await transport.close(100);
  globalThis.removeEventListener("error", onError);
  assertEquals([heard, errors], [[1, 2, 3], ["at 1", "at 2", "at 3"]]);
});

Deno.test("A flood of messages leaves timers their turn", async () => {
  const transport = zmqTransport();
  let echoes = 0, ticks = 0;
  const listener = transport.listen("tcp://127.0.0.1:*", {}, {
    message: (peer, body) => void listener.send(peer, new Uint8Array(body)),
    down: () => {},
  });
  const link = transport.dial(listener.endpoint, { name: "a" }, {
    message(body) {
      echoes++;
      link.send(new Uint8Array(body));
    },
    down: () => {},
  });
  const flood = 2000;
  for (let i = 0; i < flood; i++) link.send(new Uint8Array(100));
  const timer = setInterval(() => ticks++, 1);
  while (ticks < 20 || echoes <= flood) await new Promise((resolve) => setTimeout(resolve, 1));
  clearInterval(timer);
  await transport.close(0);
});

Deno.test("Signals that interrupt libzmq cost no message", async () => {
  const handle = () => {};
  Deno.addSignalListener("SIGUSR1", handle);
  const rain = new Deno.Command("sh", { args: ["-c", `while kill -USR1 ${Deno.pid}; do :; done 2>/dev/null`] }).spawn();
  const transport = zmqTransport();
  try {
    const back: number[] = [];
    const listener = transport.listen("tcp://127.0.0.1:*", {}, {
      message: (peer, body) => void listener.send(peer, new Uint8Array(body)),
      down: () => {},
    });
    const link = transport.dial(listener.endpoint, { name: "a" }, {
      message: (body) => void back.push(new Uint32Array(new Uint8Array(body).buffer)[0]!),
      down: () => {},
    });
    const count = 100_000;
    for (let sent = 0; sent < count; await new Promise((resolve) => setTimeout(resolve, 0))) {
      for (let i = 0; i < 100; i++) link.send(new Uint8Array(Uint32Array.of(sent++).buffer));
    }
    const late = Date.now() + 20_000;
    while (back.length < count && Date.now() < late) await new Promise((resolve) => setTimeout(resolve, 5));
    assertEquals(back.length, count);
    assert(back.every((number, i) => number === i), "out of order");
  } finally {
    rain.kill("SIGKILL");
    await rain.status;
    Deno.removeSignalListener("SIGUSR1", handle);
    await transport.close(0);
  }
});
