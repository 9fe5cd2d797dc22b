/** `flux ping`: measures round trips to a service of a rank, and shows the way they took (cli.md §4.6). */

import { type Handle, Queue } from "../broker/handle/mod.ts";
import { FluxError, type JsonObject, NODEID_ANY, NODEID_UPSTREAM, strerror } from "../broker/message/mod.ts";
import { sleep, systemClock } from "../broker/ports/mod.ts";
import { command, CommandError, UsageError } from "./mod.ts";
import { pingTarget, type Target } from "./ping_target.ts";

const DELAY = 1;
const TIMEOUT = 10;

/** One round trip, or why there was none. */
interface Trip {
  readonly topic: string;
  readonly pad: number;
  readonly seq: number;
  /** Milliseconds. */
  readonly time: number;
  readonly route?: string;
  readonly error?: FluxError;
}

export default command({
  name: "ping",
  summary: "Measure round trips to a service of a rank",
  usage: ["[OPTIONS] TARGET"],
  signal: true,
  options: {
    batch: { short: "b", type: "flag", help: "Send all requests at once, then wait for the answers; needs --count" },
    count: { short: "c", type: "integer", arg: "N", min: 1, help: "Stop after N round trips" },
    delay: {
      short: "d",
      type: "number",
      arg: "SECS",
      min: 0,
      default: DELAY,
      aliases: ["interval"],
      help: `Send a request every SECS seconds, 0 as soon as the last is answered (default: ${DELAY})`,
    },
    pad: {
      short: "p",
      type: "integer",
      arg: "N",
      min: 0,
      max: 1 << 26,
      default: 0,
      aliases: ["pad-bytes"],
      help: "Send N bytes more",
    },
    rank: { short: "r", type: "string", arg: "N|any|upstream", complete: "rank", help: "Ask the service of this rank" },
    ring: { type: "flag", help: "Go around the ring of brokers instead of over the tree" },
    timeout: {
      short: "t",
      type: "number",
      arg: "SECS",
      min: 0,
      default: TIMEOUT,
      help: `Wait SECS seconds for an answer (default: ${TIMEOUT})`,
    },
  },
  async *run({ opts, args, signal, connect, warn, json }) {
    const [word, extra] = args;
    if (word === undefined || extra !== undefined) throw new UsageError("ping needs one target");
    if (opts.batch && opts.count === undefined) throw new UsageError("--batch should only be used with --count");
    const target = pingTarget(word, opts.rank);
    const handle = await connect();
    const pinger = new Pinger(handle, target, opts.pad, { ring: opts.ring, timeout: opts.timeout * 1000, signal });
    let failed = false;
    for await (const trip of pinger.trips(opts.count ?? Infinity, opts.batch ? undefined : opts.delay * 1000)) {
      const { error, topic } = trip;
      if (!error) {
        yield trip;
        continue;
      }
      failed = true;
      const hint = await lastWord(handle, target, error);
      const text = `${topic}: ${strerror(error.errnum)}`;
      if (hint !== undefined) throw new CommandError(text, { hint, cause: error });
      if (json) yield { topic, pad: trip.pad, seq: trip.seq, error: { message: error.message, code: error.code } };
      else warn(text);
    }
    return failed ? 1 : 0;
  },
  human: (trip) =>
    "time" in trip
      ? `${trip.topic} pad=${trip.pad} seq=${trip.seq} time=${trip.time.toFixed(3)} ms (${trip.route})`
      : null,
});

class Pinger {
  readonly #handle: Handle;
  readonly #target: Target;
  readonly #pad: string;
  readonly #options: { ring: boolean; timeout: number; signal: AbortSignal };

  constructor(
    handle: Handle,
    target: Target,
    pad: number,
    options: { ring: boolean; timeout: number; signal: AbortSignal },
  ) {
    this.#handle = handle;
    this.#target = target;
    this.#pad = "p".repeat(pad);
    this.#options = options;
  }

  /** `count` round trips in the order they end; a new one every `delay` ms, after the last one for 0, all at once without it. */
  trips(count: number, delay: number | undefined): AsyncIterable<Trip> {
    return delay === 0 ? this.#oneByOne(count) : this.#overlapping(count, delay);
  }

  async *#oneByOne(count: number): AsyncGenerator<Trip, void> {
    for (let seq = 0; seq < count; seq++) yield await this.#trip(seq);
  }

  #overlapping(count: number, delay: number | undefined): AsyncIterable<Trip> {
    const ended = new Queue<Trip>();
    const start = async () => {
      const open: Promise<void>[] = [];
      for (let seq = 0; seq < count; seq++) {
        if (seq > 0 && delay !== undefined) await sleep(systemClock, delay, this.#options.signal);
        const trip = this.#trip(seq).then((trip) => ended.push(trip));
        trip.catch((error) => ended.fail(error));
        if (count !== Infinity) open.push(trip);
      }
      await Promise.all(open);
      ended.end();
    };
    start().catch((error) => ended.fail(error));
    return ended;
  }

  async #trip(seq: number): Promise<Trip> {
    const pad = this.#pad;
    const start = systemClock.now();
    const record = { topic: this.#target.label, pad: pad.length, seq };
    try {
      const answer = await this.#ask({
        seq,
        "time.tv_sec": Math.floor(start / 1000),
        "time.tv_nsec": Math.floor(start % 1000 * 1e6),
        pad,
      });
      const time = since(start);
      const { route } = answer;
      if (typeof route !== "string" || answer.seq !== seq || answer.pad !== pad) throw new FluxError("EPROTO");
      return { ...record, time, route };
    } catch (error) {
      if (!(error instanceof FluxError)) throw error;
      return { ...record, time: since(start), error };
    }
  }

  async #ask(payload: JsonObject): Promise<JsonObject> {
    const { topic, rank } = this.#target;
    const { ring, timeout, signal } = this.#options;
    const limits = { signal, ...(timeout > 0 && { timeout }) };
    if (!ring) return await this.#handle.rpc(topic, payload, { rank, ...limits });
    const to = rank === NODEID_ANY ? await this.#handle.rank() : rank;
    return await this.#handle.rpc("overlay.ring", { rank: to, topic, payload }, limits);
  }
}

/** Milliseconds, to the microsecond, since `start` of the clock. */
function since(start: number): number {
  return Math.round((systemClock.now() - start) * 1000) / 1000;
}

/** Why no later request can fare better, or undefined if one may. */
async function lastWord(handle: Handle, { rank }: Target, error: FluxError): Promise<string | undefined> {
  const { code, hasText, message } = error;
  if (code === "ECONNRESET") return "the broker has gone";
  if (code === "ENOSYS") return hasText ? message : "there is no such service";
  if (code !== "EHOSTUNREACH" || rank === NODEID_UPSTREAM || rank === NODEID_ANY) return undefined;
  const size = Number((await handle.rpc<{ value: string }>("attr.get", { name: "size" })).value);
  return rank >= size ? `the session has ranks 0 to ${size - 1}` : undefined;
}
