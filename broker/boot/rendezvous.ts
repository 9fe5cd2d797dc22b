/**
 * A wire-up without a launcher that serves one: rank 0 serves PMI to the others over TCP. All know its host and a few ports, one of
 * which it takes; who does not know the session's key is not let in.
 */

import { FluxError, isErrno } from "../message/mod.ts";
import { Queue } from "../handle/mod.ts";
import type { Clock, KeyPair, Link, Listener, Random, Timer, Transport } from "../ports/mod.ts";
import { formatPmi, parsePmi, type PmiLines, PmiServer } from "../pmi/mod.ts";

/** How long rank 0 still answers when it is done itself, ms: others may not have heard the last answer yet. */
const LINGER = 10_000;

export interface RendezvousOptions {
  readonly rank: number;
  readonly size: number;
  /** What tells this session from all others. */
  readonly session: string;
  /** The host of rank 0, and the ports it may be found at. */
  readonly host: string;
  readonly ports: readonly number[];
  readonly hostname: string;
  /** Which all ranks of the session have, and nobody else; without, whoever reaches the port is let in. */
  readonly keys: KeyPair | undefined;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: Random;
  log(text: string): void;
}

export interface Rendezvous {
  readonly lines: PmiLines;
  /** Ranks that have not come; at rank 0, undefined elsewhere. */
  missing(): number[] | undefined;
  /** This rank has what it needs. */
  close(): void;
}

const encoder = new TextEncoder(), decoder = new TextDecoder();
const pack = (line: string) => encoder.encode(line) as Uint8Array<ArrayBuffer>;

/** Throws EADDRINUSE when rank 0 can have none of the ports. */
export function meet(options: RendezvousOptions): Rendezvous {
  return options.rank === 0 ? new Host(options) : visit(options);
}

/** Rank 0: hears who comes, and answers. */
class Host implements Rendezvous {
  readonly lines: PmiLines;
  readonly #options: RendezvousOptions;
  readonly #server: PmiServer;
  readonly #listener: Listener;
  readonly #own = new Queue<string>();
  /** The link of each rank that has come, and whose it is. */
  readonly #peers = new Map<number, string>();
  readonly #ranks = new Map<string, number>();
  /** Ranks that still talk. */
  readonly #talking: Set<number>;
  #linger: Timer | undefined;
  #isClosed = false;

  constructor(options: RendezvousOptions) {
    this.#options = options;
    const { size, session } = options;
    this.#server = new PmiServer({ size, kvsname: session });
    this.#talking = new Set(Array(size).keys());
    this.#listener = this.#listen();
    this.lines = {
      read: async () => (await this.#own.next()).value ?? null,
      write: (line) => this.#receive(0, line),
    };
  }

  missing(): number[] {
    return Array.from({ length: this.#options.size - 1 }, (_, at) => at + 1).filter((rank) => !this.#peers.has(rank));
  }

  close(): void {
    if (this.#talking.size === 0) return this.#end();
    this.#linger = this.#options.clock.after(LINGER, () => this.#end());
  }

  #end(): void {
    this.#isClosed = true;
    this.#linger?.cancel();
    this.#listener.close();
  }

  #listen(): Listener {
    const { transport, ports, keys } = this.#options;
    const security = keys ? { keys, admits: (key: string) => key === keys.publicKey } : {};
    for (const port of ports) {
      try {
        return transport.listen(`tcp://*:${port}`, security, {
          message: (peer, bytes) => this.#hear(peer, decoder.decode(bytes)),
          down: (peer) => this.#gone(peer),
          refused: (address, reason) => this.#options.log(`refused ${address}: ${reason}`),
        });
      } catch (error) {
        if (!isErrno(error, "EADDRINUSE")) throw error;
      }
    }
    throw new FluxError("EADDRINUSE", `all ports where others could find rank 0 are in use: ${ports.join(", ")}`);
  }

  #hear(peer: string, line: string): void {
    const rank = this.#ranks.get(peer);
    if (rank !== undefined) return this.#receive(rank, line);
    const why = this.#greet(peer, line);
    if (why === undefined) return;
    this.#options.log(why);
    this.#listener.send(peer, pack(formatPmi({ cmd: "refused", msg: why })));
    this.#listener.drop(peer);
  }

  /** Takes in who says hello; returns why not. */
  #greet(peer: string, line: string): string | undefined {
    const { session, size } = this.#options;
    let words: Map<string, string>;
    try {
      words = parsePmi(line);
    } catch {
      return "what came was no hello";
    }
    const rank = Number(words.get("rank"));
    const who = `rank ${words.get("rank")} on ${words.get("host")}`;
    if (words.get("cmd") !== "hello") return "what came was no hello";
    if (words.get("session") !== session || words.get("size") !== `${size}`) {
      return `${who} belongs to session ${words.get("session")} of ${words.get("size")}, this is ${session} of ${size}`;
    }
    if (!Number.isInteger(rank) || rank < 1 || rank >= size) return `${who} is no rank of ${size}`;
    if (this.#peers.has(rank)) return `${who} has come already`;
    this.#peers.set(rank, peer);
    this.#ranks.set(peer, rank);
    return undefined;
  }

  #receive(rank: number, line: string): void {
    for (const action of this.#server.receive(rank, line)) {
      if (action.kind === "reply") this.#answer(action.rank, action.line);
      else this.#done(action.rank);
    }
  }

  #answer(rank: number, line: string): void {
    if (rank === 0) return this.#own.push(line);
    const peer = this.#peers.get(rank);
    if (peer !== undefined) this.#listener.send(peer, pack(line));
  }

  #gone(peer: string): void {
    const rank = this.#ranks.get(peer);
    this.#ranks.delete(peer);
    if (rank === undefined) return;
    // Before it is done it may come again over another connection.
    if (this.#talking.has(rank)) this.#peers.delete(rank);
  }

  #done(rank: number): void {
    this.#talking.delete(rank);
    if (rank === 0) this.#own.end();
    if (this.#linger && this.#talking.size === 0 && !this.#isClosed) this.#end();
  }
}

/** Another rank: looks for rank 0 at each of its ports until it answers. */
function visit(options: RendezvousOptions): Rendezvous {
  const { rank, size, session, host, ports, hostname, keys, transport, random, log } = options;
  const answers = new Queue<string>();
  const place = host.includes(":") ? `[${host}]` : host;
  const endpoint = ports.map((port) => `tcp://${place}:${port}`).join(",");
  const security = keys ? { keys, serverKey: keys.publicKey } : {};
  const link: Link = transport.dial(endpoint, { name: random.uuid(), ...security }, {
    message(bytes) {
      const line = decoder.decode(bytes);
      if (line.startsWith("cmd=refused")) answers.fail(new FluxError("EPERM", `rank 0: ${parsePmi(line).get("msg")}`));
      else answers.push(line);
    },
    down: () => answers.end(),
    // Who could not find the host names it.
    refused: (reason) => log(reason.startsWith(`${host}: `) ? reason : `${host}: ${reason}`),
  });
  link.send(pack(formatPmi({ cmd: "hello", rank, size, session, host: hostname })));
  return {
    lines: {
      read: async () => (await answers.next()).value ?? null,
      write: (line) => link.send(pack(line)),
    },
    missing: () => undefined,
    close: () => link.close(),
  };
}
