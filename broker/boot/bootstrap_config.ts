/**
 * The table `[bootstrap]` of the configuration: which brokers a session has and where each is reached, for a system that starts them
 * by itself (flux-config-bootstrap(5)). Pure.
 */

import { FluxError, type Json, type JsonObject, parseHostlist } from "../message/mod.ts";
import { lettersOf } from "./shared_directory.ts";

/** A broker has this many ports in a row: for the tree, events and the ring. */
const PORTS = 3;
const DEFAULTS = { port: 8050, bind: "tcp://*:%p", connect: "tcp://%h:%p" };
const KEYS = new Set(["curve_cert", "default_port", "default_bind", "default_connect", "enable_ipv6", "hosts"]);
const HOST_KEYS = new Set(["host", "bind", "connect"]);

export interface Endpoints {
  readonly tbon: string;
  readonly events: string;
  readonly ring: string;
}

/** One broker; its rank is its place in the list. */
export interface ConfiguredBroker {
  readonly host: string;
  /** Where it listens, and where others dial. */
  readonly listen: Endpoints;
  readonly reached: Endpoints;
}

export interface BootstrapConfig {
  readonly brokers: readonly ConfiguredBroker[];
  /** The path of a secret certificate that all brokers have; the user's keys when there is none. */
  readonly certificate: string | undefined;
  /** What tells this session from others. */
  readonly session: string;
}

/** Reads the table. Throws EINVAL, saying what is wrong where. */
export function readBootstrap(table: Json): BootstrapConfig {
  if (!isTable(table)) throw bad("must be a table");
  for (const key of Object.keys(table)) if (!KEYS.has(key)) throw bad(`unknown key "${key}"`);
  const port = portOf(table.default_port ?? DEFAULTS.port, "default_port");
  const defaults = {
    bind: text(table.default_bind, "default_bind") ?? DEFAULTS.bind,
    connect: text(table.default_connect, "default_connect") ?? DEFAULTS.connect,
  };
  const { hosts } = table;
  if (!Array.isArray(hosts) || hosts.length === 0) throw bad('"hosts" must be an array of tables');
  const brokers = hosts.flatMap((entry, at) => readEntry(entry, at, defaults, port));
  refuseOverlaps(brokers);
  return {
    brokers,
    certificate: text(table.curve_cert, "curve_cert"),
    session: `config-${lettersOf(JSON.stringify(brokers))}`,
  };
}

/**
 * The rank of the broker of host `name`. Throws EINVAL when the host is not in the list, or has several brokers: then the rank must be
 * said.
 */
export function ownRank({ brokers }: BootstrapConfig, name: string): number {
  const short = (host: string) => host.replace(/\..*/, "");
  const exact = brokers.flatMap(({ host }, rank) => host === name ? [rank] : []);
  const ranks = exact.length > 0
    ? exact
    : brokers.flatMap(({ host }, rank) => short(host) === short(name) ? [rank] : []);
  if (ranks.length === 1) return ranks[0]!;
  if (ranks.length === 0) throw bad(`host ${name} is not among the hosts`);
  throw bad(`host ${name} has the ranks ${ranks.join(", ")}: --rank says which this is`);
}

function readEntry(
  entry: Json,
  at: number,
  defaults: { bind: string; connect: string },
  port: number,
): ConfiguredBroker[] {
  const where = `hosts[${at}]`;
  if (!isTable(entry)) throw bad(`${where} is no table`);
  for (const key of Object.keys(entry)) if (!HOST_KEYS.has(key)) throw bad(`${where}: unknown key "${key}"`);
  const list = text(entry.host, `${where}.host`);
  if (list === undefined) throw bad(`${where}: "host" is missing`);
  const bind = text(entry.bind, `${where}.bind`) ?? defaults.bind;
  const connect = text(entry.connect, `${where}.connect`) ?? defaults.connect;
  return parseHostlist(list).map((host) => ({
    host,
    listen: endpoints(filled(bind, host, port), `${where}.bind`),
    reached: endpoints(filled(connect, host, port), `${where}.connect`),
  }));
}

function isTable(value: Json): value is JsonObject {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

/** `%h` is the host, `%p` the default port. */
function filled(uri: string, host: string, port: number): string {
  return uri.replaceAll("%h", host.includes(":") ? `[${host}]` : host).replaceAll("%p", `${port}`);
}

/** The endpoints that follow from one: ports in a row, or paths. */
function endpoints(uri: string, where: string): Endpoints {
  if (uri.startsWith("ipc:///")) return { tbon: uri, events: `${uri}-event`, ring: `${uri}-ring` };
  const [, host, port] = /^(tcp:\/\/(?:\[[^\]]+\]|[^:/]+)):(\d+)$/.exec(uri) ?? [];
  if (host === undefined) throw bad(`${where}: "${uri}" is neither tcp://HOST:PORT nor ipc:///PATH`);
  const first = portOf(Number(port), where);
  return { tbon: `${host}:${first}`, events: `${host}:${first + 1}`, ring: `${host}:${first + 2}` };
}

function refuseOverlaps(brokers: readonly ConfiguredBroker[]): void {
  const taken = new Map<string, number>();
  for (const [rank, { reached }] of brokers.entries()) {
    for (const endpoint of [reached.tbon, reached.events, reached.ring]) {
      const other = taken.get(endpoint);
      if (other !== undefined) {
        throw bad(`ranks ${other} and ${rank} would both be at ${endpoint}: a broker has ${PORTS} ports in a row`);
      }
      taken.set(endpoint, rank);
    }
  }
}

function portOf(value: Json, where: string): number {
  if (typeof value === "number" && Number.isInteger(value) && value > 0 && value <= 65536 - PORTS) return value;
  throw bad(`${where}: ${JSON.stringify(value)} is no port`);
}

function text(value: Json | undefined, where: string): string | undefined {
  if (value === undefined || typeof value === "string") return value;
  throw bad(`${where} must be a string`);
}

function bad(what: string): FluxError {
  return new FluxError("EINVAL", `[bootstrap]: ${what}`);
}
