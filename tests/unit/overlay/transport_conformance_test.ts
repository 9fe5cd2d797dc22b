import { curveKeypair, zmqTransport } from "../../../broker/overlay/zmq/mod.ts";
import type { Mechanism, Transport } from "../../../broker/ports/mod.ts";
import { AssertionError } from "node:assert";
import { seededRandom, simNetwork, virtualClock } from "../../sim/mod.ts";
import { cases, type World } from "./transport_conformance.ts";

const LIMIT_MS = 20_000;

/** Hosts that are transports of libzmq, in this process. */
function zmqWorld(kind: "ipc" | "tcp", mechanism?: Mechanism): World {
  const directory = Deno.makeTempDirSync({ prefix: "transport-" });
  const transports = new Map<string, Transport>();
  let sockets = 0;
  const pass = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
  return {
    transport(host) {
      const transport = transports.get(host) ?? zmqTransport();
      transports.set(host, transport);
      return transport;
    },
    endpoint: () => kind === "tcp" ? "tcp://127.0.0.1:*" : `ipc://${directory}/${sockets++}`,
    keypair: () => mechanism ? { ...curveKeypair(), mechanism } : null,
    kill: (host) => transports.get(host)!.close(0),
    async until(condition) {
      for (const end = performance.now() + LIMIT_MS; !condition(); await pass(1)) {
        if (performance.now() > end) throw new AssertionError({ message: `not so after ${LIMIT_MS} ms: ${condition}` });
      }
    },
    settle: (promise) => promise,
    pause: () => pass(100),
    async [Symbol.asyncDispose]() {
      await Promise.all([...transports.values()].map((transport) => transport.close(100)));
      const left = [...Deno.readDirSync(directory)].map((entry) => entry.name);
      Deno.removeSync(directory, { recursive: true });
      if (left.length) throw new AssertionError({ message: `left behind: ${left}` });
    },
  };
}

/** Hosts in memory and virtual time. */
function simWorld(seed: number, mechanism?: Mechanism): World {
  const clock = virtualClock(), random = seededRandom(seed);
  const network = simNetwork({ clock, random });
  const transports = new Map<string, Transport>();
  let endpoints = 0, keys = 0;
  return {
    transport(host) {
      const transport = transports.get(host) ?? network.transport(host);
      transports.set(host, transport);
      return transport;
    },
    endpoint: () => `memory:${endpoints++}`,
    keypair: () => mechanism ? { publicKey: `public-${keys}`, secretKey: `secret-${keys++}`, mechanism } : null,
    kill: (host) => Promise.resolve(network.kill(host)),
    until: (condition) => clock.runUntil(condition, LIMIT_MS),
    settle: (promise) => clock.settle(promise, LIMIT_MS),
    pause: () => clock.run(100),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

const worlds: Record<string, () => World> = {
  "zmqTransport over ipc": () => zmqWorld("ipc"),
  "zmqTransport over ipc with keys": () => zmqWorld("ipc", "curve"),
  "zmqTransport over ipc with passwords": () => zmqWorld("ipc", "plain"),
  "zmqTransport over tcp": () => zmqWorld("tcp"),
  "zmqTransport over tcp with keys": () => zmqWorld("tcp", "curve"),
  "zmqTransport over tcp with passwords": () => zmqWorld("tcp", "plain"),
  "simNetwork": () => simWorld(1),
  "simNetwork with keys": () => simWorld(2, "curve"),
  "simNetwork with passwords": () => simWorld(3, "plain"),
};

for (const [title, make] of Object.entries(worlds)) {
  for (const { name, needsKeys, run } of cases) {
    if (needsKeys && !title.includes("with")) continue;
    if (needsKeys === "proved" && !title.includes("with keys")) continue;
    Deno.test(`${title} ${name}`, async () => {
      await using world = make();
      await run(world);
    });
  }
}
