/** `flux kvs eventlog append`, `get` and `wait-event` (RFC 18, wire.md §3.16). */

import { systemClock } from "../../broker/ports/system_clock.ts";
import type { Json, JsonObject } from "../../broker/message/mod.ts";
import type { Kvs } from "../../modules/kvs/client.ts";
import type { EventlogLine } from "../../modules/kvs/eventlog.ts";
import { within } from "../deadline.ts";
import { command, CommandError, UsageError } from "../mod.ts";
import { about, allAbout, late, openKvs } from "./access.ts";
import { NAMESPACE } from "./options.ts";

const SHOW = {
  ...NAMESPACE,
  unformatted: { short: "u", type: "flag", help: "Print events as they are stored" },
  waitcreate: { short: "W", type: "flag", help: "Wait for an eventlog that is missing" },
} as const;

const load = () => import("../../modules/kvs/eventlog.ts");

const append = command({
  name: "append",
  summary: "Add an event to an eventlog",
  usage: ["[OPTIONS] KEY NAME [CONTEXT...]"],
  complete: "key",
  options: {
    ...NAMESPACE,
    timestamp: {
      short: "t",
      type: "number",
      arg: "SECONDS",
      min: 0,
      help: "When it happened, since 1970; now unless given",
    },
  },
  async run({ opts, args, connect }) {
    const [key, name, ...words] = args;
    if (key === undefined || name === undefined) throw new UsageError("eventlog append: specify key and event name");
    const context = readContext(words);
    const kvs = await openKvs({ connect, opts });
    const timestamp = opts.timestamp ?? systemClock.wall() / 1000;
    const entry = { timestamp, name, ...(context && { context }) };
    await about(key, (await load()).append(kvs, key, [entry]));
  },
});

const get = command({
  name: "get",
  summary: "Print an eventlog",
  usage: ["[OPTIONS] KEY"],
  signal: true,
  complete: "key",
  options: {
    ...SHOW,
    watch: { short: "w", type: "flag", aliases: ["follow"], help: "Go on with events that are added from now on" },
    count: { short: "c", type: "integer", arg: "N", min: 1, help: "With --watch, stop after N events" },
  },
  async *run({ opts, args, json, connect, signal }) {
    const [key, extra] = args;
    if (key === undefined || extra !== undefined) throw new UsageError("eventlog get: specify one key");
    if (opts.count !== undefined && !opts.watch) throw new UsageError("eventlog get: --count needs --watch");
    const kvs = await openKvs({ connect, opts });
    const { waitcreate, watch } = opts;
    let left = opts.count ?? Infinity;
    for await (const event of allAbout(key, events(kvs, key, { waitcreate, watch, signal }))) {
      yield shown(event, opts.unformatted, json);
      if (--left === 0) return;
    }
  },
  human: (line) => line as string,
});

const waitEvent = command({
  name: "wait-event",
  summary: "Wait until an eventlog has an event",
  usage: ["[OPTIONS] KEY NAME"],
  signal: true,
  complete: "key",
  options: {
    ...SHOW,
    timeout: { short: "t", type: "number", arg: "SECONDS", min: 0, help: "Give up after this time" },
    quiet: { short: "q", type: "flag", help: "Print nothing" },
    verbose: { short: "v", type: "flag", help: "Print the events before it too" },
  },
  async *run({ opts, args, json, connect, signal }) {
    const [key, name, extra] = args;
    if (key === undefined || name === undefined || extra !== undefined) {
      throw new UsageError("eventlog wait-event: specify key and event name");
    }
    const kvs = await openKvs({ connect, opts });
    const { waitcreate, timeout } = opts;
    const events = allAbout(key, (await load()).follow(kvs, key, { waitcreate, signal }));
    const clock = systemClock;
    const deadline = clock.now() + (timeout ?? 0) * 1000;
    for (;;) {
      const coming = events.next();
      const next = await (timeout === undefined ? coming : within(deadline - clock.now(), coming).catch((error) => {
        throw late(error, `${key}: no event '${name}' within ${timeout} s`);
      }));
      if (next.done) throw new CommandError(`${key}: the eventlog ended without an event '${name}'`);
      const event: EventlogLine = next.value;
      const found = event.name === name;
      if (!opts.quiet && (found || opts.verbose)) yield shown(event, opts.unformatted, json);
      if (found) return;
    }
  },
  human: (line) => line as string,
});

export const eventlog = command({
  name: "eventlog",
  summary: "Write, print and wait for events of an eventlog",
  usage: [],
  options: {},
  subcommands: { append, get, "wait-event": waitEvent },
});

/** Words as one JSON object; undefined for none. */
function readContext(words: readonly string[]): JsonObject | undefined {
  if (words.length === 0) return undefined;
  const text = words.join(" ");
  const wrong = (reason: string) =>
    new CommandError(`context: ${reason}: ${text}`, { hint: `for example '{"rank":3}'` });
  let value: Json;
  try {
    value = JSON.parse(text);
  } catch {
    throw wrong("not JSON");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw wrong("not an object");
  return value;
}

/** The events so far, and with `watch` those to come. */
async function* events(
  kvs: Kvs,
  key: string,
  { waitcreate, watch, signal }: { waitcreate: boolean; watch: boolean; signal: AbortSignal },
): AsyncGenerator<EventlogLine, void> {
  const log = await load();
  if (watch) return yield* log.follow(kvs, key, { waitcreate, signal });
  if (!waitcreate) return yield* await log.get(kvs, key, { signal });
  for await (const bytes of kvs.watchBytes(key, { waitcreate, signal })) return yield* log.parseEventlog(bytes);
}

/** An event as it is printed. */
function shown({ text, ...event }: EventlogLine, unformatted: boolean, json: boolean): string | object {
  if (json) return event;
  if (unformatted) return text;
  const { timestamp, name, context } = event;
  return `${timestamp.toFixed(6)} ${name}${context ? ` ${JSON.stringify(context)}` : ""}`;
}
