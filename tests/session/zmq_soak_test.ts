import { zmqTransport } from "../../broker/overlay/zmq/mod.ts";
import { assert, assertEquals } from "../assert.ts";
import { seededRandom } from "../sim/mod.ts";
import type { SoakResult } from "./soak.ts";

const isLong = Boolean(Deno.env.get("FLUX_TEST_LONG"));
/** A side stops sending after this time, unless the run is a long one. */
const SOAK_SECONDS = isLong ? 3600 : 12;
const SOAK_COUNT = 1_000_000;
/**
 * What may come on top after half of the messages: 64 bytes kept of each further one are noticed. Freed memory stays
 * resident for a while.
 */
const ALIVE_SLACK_MIB = 32, RESIDENT_SLACK_MIB = 96;

const LIMIT_MS = 30_000;
const script = new URL("zmq_peer.ts", import.meta.url).pathname;
const decoder = new TextDecoder();

/** A process of `zmq_peer.ts`; it does not outlive its block. */
class Peer implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(...args: string[]) {
    const command = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-config", "--v8-flags=--expose-gc", script, ...args],
      stdout: "piped",
    });
    this.#child = command.spawn();
    this.#lines = lines(this.#child.stdout);
  }

  kill(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  /** The next line it prints. */
  async line<T>(): Promise<T> {
    const { value, done } = await this.#lines.next();
    assert(!done, "the process ended without a result");
    return JSON.parse(value);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
    await this.#lines.return?.();
    await this.#child.status;
  }
}

async function* lines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = "";
  for await (const chunk of stream) {
    const parts = (rest + decoder.decode(chunk)).split("\n");
    rest = parts.pop()!;
    yield* parts;
  }
}

class Directory implements Disposable {
  readonly path = Deno.makeTempDirSync({ prefix: "zmq-" });
  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}

async function until(condition: () => boolean): Promise<void> {
  for (const end = performance.now() + LIMIT_MS; !condition();) {
    assert(performance.now() < end, `not so after ${LIMIT_MS} ms: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

Deno.test(
  "zmqTransport loses and reorders nothing of a million messages each way, and its memory stays flat",
  async () => {
    using directory = new Directory();
    const args = [`ipc://${directory.path}/soak`, String(SOAK_COUNT), String(SOAK_SECONDS)];
    await using one = new Peer("listen", ...args);
    await using two = new Peer("dial", ...args);
    const [listener, dialler] = await Promise.all([one.line<SoakResult>(), two.line<SoakResult>()]);
    console.log("listener", JSON.stringify(listener), "\ndialler ", JSON.stringify(dialler));
    for (const [side, other] of [[listener, dialler], [dialler, listener]] as const) {
      assertEquals([side.disorder, side.received], [null, other.sent]);
      assert(side.sent > 10_000, `only ${side.sent} were sent`);
      const [early, late] = side.memory;
      assert(late.alive - early.alive < ALIVE_SLACK_MIB, `${early.alive} MiB alive grew to ${late.alive}`);
      assert(
        late.resident - early.resident < RESIDENT_SLACK_MIB,
        `${early.resident} MiB resident grew to ${late.resident}`,
      );
    }
  },
);

Deno.test("zmqTransport connects children that dial before their parent listens", async () => {
  using directory = new Directory();
  const endpoint = `ipc://${directory.path}/late`;
  await using stack = new AsyncDisposableStack();
  const peers = ["a", "b", "c"].map((name) => stack.use(new Peer("hello", endpoint, name)));
  for (const peer of peers) assertEquals(await peer.line(), "dialling");
  const transport = stack.adopt(zmqTransport(), (it) => it.close(1000));
  const listener = transport.listen(endpoint, {}, {
    message: (peer, body) => void listener.send(peer, new Uint8Array(body)),
    down: () => {},
  });
  for (const [i, peer] of peers.entries()) assertEquals(await peer.line(), `hello from ${["a", "b", "c"][i]}`);
});

Deno.test("zmqTransport wires 64 processes started at once as a binary tree", async () => {
  using directory = new Directory();
  await using stack = new AsyncDisposableStack();
  const start = performance.now(), size = 64;
  const ranks = Array.from(
    { length: size },
    (_, rank) => stack.use(new Peer("tree", directory.path, String(size), String(rank))),
  );
  assertEquals(await ranks[0]!.line(), size);
  console.log(`${size} processes counted in ${Math.round(performance.now() - start)} ms`);
  // The end of rank 0 ends its children, and so on down.
  await Promise.all(ranks.slice(1).map((rank) => rank.line()));
  assertEquals([...Deno.readDirSync(directory.path)].length, 0);
});

Deno.test("zmqTransport reports a dialler killed at any moment, and goes on", async () => {
  const random = seededRandom(isLong ? Date.now() : 7);
  console.log(`seed ${random.seed}`);
  using directory = new Directory();
  await using stack = new AsyncDisposableStack();
  const transport = stack.adopt(zmqTransport(), (it) => it.close(1000));
  const down = new Map<string, number>(), alive = new Set<string>();
  const listener = transport.listen(`ipc://${directory.path}/kill`, {}, {
    message(peer) {
      assert(!down.has(peer), `${peer} spoke after its end`);
      alive.add(peer);
      listener.send(peer, new Uint8Array(1000));
    },
    down(peer) {
      assert(!down.has(peer), `${peer} was down twice`);
      down.set(peer, performance.now());
    },
  });
  const delays: number[] = [];
  for (let round = 0; round < (isLong ? 100 : 8); round++) {
    const name = `victim-${round}`;
    await using peer = new Peer("babble", listener.endpoint, name);
    await until(() => alive.has(name));
    await new Promise((resolve) => setTimeout(resolve, random.below(50)));
    const killed = performance.now();
    peer.kill("SIGKILL");
    await until(() => down.has(name));
    delays.push(down.get(name)! - killed);
    assertEquals(listener.send(name, new Uint8Array(1)), false);
  }
  console.log(`down after ${delays.map((ms) => ms.toFixed(1)).join(" ")} ms`);
});

Deno.test("zmqTransport reports a listener killed at any moment", async () => {
  using directory = new Directory();
  for (const endpoint of [`ipc://${directory.path}/kill`, "tcp://127.0.0.1:28511"]) {
    await using stack = new AsyncDisposableStack();
    const transport = stack.adopt(zmqTransport(), (it) => it.close(1000));
    const peer = stack.use(new Peer("echo", endpoint));
    assertEquals(await peer.line(), "listening");
    const heard: string[] = [];
    const link = transport.dial(endpoint, { name: "mourner" }, {
      message: () => heard.push("message"),
      down: () => heard.push("down"),
    });
    link.send(new Uint8Array(10));
    await until(() => heard.length === 1);
    const killed = performance.now();
    peer.kill("SIGKILL");
    await until(() => heard.length === 2);
    console.log(`${endpoint.slice(0, 3)}: down after ${(performance.now() - killed).toFixed(1)} ms`);
    assertEquals(heard, ["message", "down"]);
  }
});

Deno.test(
  "zmqTransport serves others while a stopped peer takes nothing, and gives that one up at its limit",
  async () => {
    using directory = new Directory();
    await using stack = new AsyncDisposableStack();
    const transport = stack.adopt(zmqTransport(), (it) => it.close(100));
    const spoke = new Set<string>(), down: string[] = [];
    let fromOther = 0;
    const limit = 64 << 20;
    const listener = transport.listen(`ipc://${directory.path}/stop`, { backlogLimit: limit }, {
      message(peer) {
        spoke.add(peer);
        if (peer === "other") fromOther++;
      },
      down: (peer, reason) => down.push(`${peer}: ${reason}`),
    });
    const stopped = stack.use(new Peer("babble", listener.endpoint, "stopped"));
    stack.use(new Peer("babble", listener.endpoint, "other"));
    await until(() => spoke.size === 2);
    stopped.kill("SIGSTOP");
    const before = Deno.memoryUsage().rss;
    let sent = 0, most = 0;
    while (listener.send("stopped", new Uint8Array(1 << 20).fill(1))) {
      sent++;
      most = Math.max(most, Deno.memoryUsage().rss - before);
      const seen = fromOther;
      await until(() => fromOther > seen);
    }
    console.log(`given up after ${sent} MiB, with ${most >> 20} MiB more memory at most`);
    await until(() => down.length === 1);
    assertEquals(down, [`stopped: backlog over ${limit} bytes`]);
    assert(sent > 64 && sent < 72, `given up after ${sent} MiB`);
  },
);
