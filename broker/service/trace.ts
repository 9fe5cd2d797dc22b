/** Streams of what goes through a broker: `module.trace`, `overlay.trace` (wire.md §3.5, 3.9) and `broker.snoop`. */

import {
  decodeJson,
  encode,
  errnum,
  FluxError,
  type JsonObject,
  type Message,
  MessageType,
  real,
  strerror,
} from "../message/mod.ts";
import {
  booleanField,
  integerField,
  type Methods,
  Queue,
  type Request,
  stringField,
  stringsField,
} from "../handle/mod.ts";
import type { Clock } from "../ports/mod.ts";
import type { Router, Tap } from "../router/mod.ts";
import { globPattern } from "./glob.ts";

export interface TraceOptions {
  readonly router: Router;
  readonly clock: Clock;
  /** The route id of a module of this broker; undefined for a name that is none. */
  moduleId(name: string): string | undefined;
  /** The rank of the broker at the other end of a link; -1 when it is not known. */
  rankOf(peer: string): number;
  /** The parent's rank; undefined at rank 0, where events begin. */
  parent(): number | undefined;
}

/** Topics of the streams themselves: to trace a trace would never end. */
const OWN = new Set(["module.trace", "overlay.trace", "broker.snoop"]);

export function traceMethods(options: TraceOptions): Methods {
  return {
    "module.trace": (request) => {
      const wanted = filter(request.payload);
      const full = booleanField(request.payload, "full", false);
      const names = new Map(stringsField(request.payload, "names").map((name) => [moduleId(options, name), name]));
      return tapped(options.router, request, (direction, id, message, point) => {
        const name = point === "endpoint" ? names.get(id) : undefined;
        return name !== undefined && wanted(message) ? record(options, direction, -1, name, message, full) : undefined;
      });
    },
    "overlay.trace": (request) => {
      const wanted = filter(request.payload);
      const full = booleanField(request.payload, "full", false);
      const nodeid = integerField(request.payload, "nodeid");
      return tapped(options.router, request, (direction, id, message, point) => {
        if (point === "endpoint" || !wanted(message)) return undefined;
        const parent = options.parent();
        const rank = point === "peer" ? options.rankOf(id) : parent ?? -1;
        if (nodeid !== -1 && rank !== nodeid) return undefined;
        return record(options, point === "event" && parent === undefined ? "tx" : direction, rank, null, message, full);
      });
    },
    // Each message as it reaches this broker, once, encoded: from one of its endpoints or from another broker.
    "broker.snoop": (request) => {
      const prefixes = stringsField(request.payload, "topics", []);
      const hidden = new Set(stringsField(request.payload, "hide", []));
      return tapped(options.router, request, (direction, _id, message, point) => {
        if (direction !== (point === "endpoint" ? "tx" : "rx") || hidden.has(message.topic)) return undefined;
        const isWanted = prefixes.length === 0 || prefixes.some((prefix) => message.topic.startsWith(prefix));
        return isWanted ? encode(message).slice() : undefined;
      });
    },
  };
}

/** The stream of what `look` makes of each message, until the request ends. */
async function* tapped<T extends object>(
  router: Router,
  request: Request,
  look: (...seen: Parameters<Tap>) => T | undefined,
): AsyncGenerator<T, void> {
  using items = new Queue<T>();
  request.signal.addEventListener("abort", () => items.end(), { once: true });
  using _tap = router.tap((...seen) => {
    const item = OWN.has(seen[2].topic) ? undefined : look(...seen);
    if (item) items.push(item);
  });
  yield* items;
}

function filter(payload: JsonObject): (message: Message) => boolean {
  const typemask = integerField(payload, "typemask");
  const topics = globPattern(stringField(payload, "topic_glob"));
  return ({ type, topic }) => (type & typemask) !== 0 && topics.test(topic);
}

function moduleId(options: TraceOptions, name: string): string {
  const id = options.moduleId(name);
  if (id === undefined) throw new FluxError("ENOENT", `${name}: module is not loaded`);
  return id;
}

function record(
  { clock }: TraceOptions,
  prefix: "tx" | "rx",
  rank: number,
  name: string | null,
  message: Message,
  full: boolean,
): object {
  const failed = message.type === MessageType.response ? message.errnum : 0;
  return {
    timestamp: real(clock.wall() / 1000),
    prefix,
    rank,
    name,
    type: message.type,
    topic: message.topic,
    payload_size: message.payload?.length ?? 0,
    payload: full && failed === 0 ? jsonOrNull(message) : null,
    errnum: failed,
    errstr: failed === 0 || failed === errnum("ENODATA") ? "" : strerror(failed),
  };
}

function jsonOrNull({ payload }: Message): JsonObject | null {
  if (!payload) return null;
  try {
    return decodeJson(payload);
  } catch {
    return null;
  }
}
