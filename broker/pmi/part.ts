/**
 * The server's side of PMI-1 for those processes of a parallel program that are here (wire.md §6; limits and texts:
 * rulings.md). Pure: a line of one process goes in, what is to be done comes out. What is put here reaches the other places, and
 * theirs comes here, with the barrier: then every value is here, and a get never has to ask elsewhere.
 */

import { FluxError, Idset } from "../message/mod.ts";
import { formatPmi, parsePmi, PMI_LIMITS } from "./words.ts";

/** A key and its value. */
export type PmiPut = readonly [key: string, value: string];

export type PmiAction =
  | { readonly kind: "reply"; readonly rank: number; readonly line: string }
  /** The conversation with a rank is over: in order, or with the error it made. */
  | { readonly kind: "close"; readonly rank: number; readonly error?: string }
  /** A rank asks for the end of all. */
  | { readonly kind: "abort"; readonly rank: number; readonly code: number; readonly text: string };

export type PmiPartAction =
  | PmiAction
  /** All ranks here are in the barrier, with these puts since the last one: `complete` follows when all others are, too. */
  | { readonly kind: "exchange"; readonly puts: readonly PmiPut[] }
  /** A rank has ended between init and finalize. */
  | { readonly kind: "lost"; readonly rank: number }
  /** Ranks wait in the barrier for one that will never enter it. */
  | { readonly kind: "stuck"; readonly rank: number; readonly waiting: Idset };

export interface PmiPartOptions {
  /** Processes of the whole program. */
  readonly size: number;
  /** Ranks of those that are here. */
  readonly ranks: Iterable<number>;
  readonly kvsname: string;
  /** Keys that are there from the start. */
  readonly values?: Readonly<Record<string, string>>;
}

type Words = ReadonlyMap<string, string>;

/** How far a process has come. `spawning`: inside a spawn command, whose lines are skipped up to its end. */
type Stage = "silent" | "open" | "spawning" | "final" | "ended";

export class PmiPart {
  readonly #options: PmiPartOptions;
  readonly #stages: Map<number, Stage>;
  readonly #values: Map<string, string>;
  /** Since the last barrier. */
  #puts: PmiPut[] = [];
  #entered = new Idset();
  /** The first that will enter no barrier any more. */
  #gone: number | undefined;
  #stuck = false;

  constructor(options: PmiPartOptions) {
    this.#options = options;
    this.#stages = new Map([...options.ranks].map((rank) => [rank, "silent"]));
    this.#values = new Map(Object.entries(options.values ?? {}));
  }

  /** Ranks that wait in the barrier now. */
  get waiting(): Idset {
    return this.#entered;
  }

  /** The first rank that will enter no barrier any more. */
  get gone(): number | undefined {
    return this.#gone;
  }

  /** One line, without its newline, of a rank that is here. */
  receive(rank: number, line: string): PmiPartAction[] {
    try {
      if (size(line) > PMI_LIMITS.line) throw new FluxError("EPROTO", `line is longer than ${PMI_LIMITS.line} bytes`);
      if (this.#stages.get(rank) === "spawning") return this.#spawn(rank, line);
      return this.#command(rank, parsePmi(line));
    } catch (error) {
      if (!(error instanceof FluxError)) throw error;
      return [{ kind: "close", rank, error: error.message }];
    }
  }

  /** All have entered the barrier, here and elsewhere, and these are the puts of all since the last. */
  complete(puts: Iterable<PmiPut>): PmiAction[] {
    for (const [key, value] of puts) this.#values.set(key, value);
    const ranks = [...this.#entered];
    this.#entered = new Idset();
    return ranks.map((rank) => ({ kind: "reply", rank, line: formatPmi({ cmd: "barrier_out", rc: 0 }) }));
  }

  /** The process of a rank has ended. One that never said init speaks no PMI, which is no fault unless others wait for it. */
  ended(rank: number): PmiPartAction[] {
    const stage = this.#stages.get(rank);
    this.#stages.set(rank, "ended");
    this.#gone ??= rank;
    if (stage === "open" || stage === "spawning") return [{ kind: "lost", rank }];
    return this.#lookStuck();
  }

  #command(rank: number, words: Words): PmiPartAction[] {
    const command = words.get("cmd") ?? words.get("mcmd") ?? "";
    if (command === "init") return this.#init(rank, words);
    if (this.#stages.get(rank) !== "open") throw new FluxError("EPROTO", `"${command}" before init`);
    const reply = (cmd: string, rest: Record<string, string | number>): PmiAction[] => [
      { kind: "reply", rank, line: formatPmi({ cmd, ...rest }) },
    ];
    switch (command) {
      case "get_maxes": {
        const { kvsname, key, value } = PMI_LIMITS;
        return reply("maxes", { rc: 0, kvsname_max: kvsname, keylen_max: key, vallen_max: value });
      }
      case "get_universe_size":
        return reply("universe_size", { rc: 0, size: this.#options.size });
      case "get_appnum":
        return reply("appnum", { rc: 0, appnum: 0 });
      case "get_my_kvsname":
        return reply("my_kvsname", { rc: 0, kvsname: this.#options.kvsname });
      case "put":
        return reply("put_result", this.#put(words));
      case "get":
        return reply("get_result", this.#get(words));
      case "barrier_in":
        return this.#barrier(rank);
      case "abort":
        return [{ kind: "abort", rank, code: exitCode(words), text: words.get("error_msg") ?? "" }];
      case "finalize":
        this.#stages.set(rank, "final");
        this.#gone ??= rank;
        return [...reply("finalize_ack", { rc: 0 }), { kind: "close", rank }, ...this.#lookStuck()];
      case "publish_name":
      case "unpublish_name":
      case "lookup_name":
        return reply(`${command.slice(0, -5)}_result`, { rc: -1, msg: "command not implemented" });
      case "spawn":
        this.#stages.set(rank, "spawning");
        return [];
      default:
        throw new FluxError("EPROTO", `unknown command "${command}"`);
    }
  }

  #init(rank: number, words: Words): PmiAction[] {
    const version = Number(words.get("pmi_version")), subversion = Number(words.get("pmi_subversion"));
    if (version !== 1 || !(subversion >= 1)) {
      return [{ kind: "reply", rank, line: formatPmi({ cmd: "response_to_init", rc: -1 }) }];
    }
    this.#stages.set(rank, "open");
    const line = formatPmi({ cmd: "response_to_init", rc: 0, pmi_version: 1, pmi_subversion: 1 });
    return [{ kind: "reply", rank, line }];
  }

  #put(words: Words): Record<string, string | number> {
    const { kvsname, key, value } = fields(words);
    if (kvsname !== this.#options.kvsname) return { rc: -1, msg: "unknown kvsname" };
    if (key === undefined || key === "" || value === undefined) return { rc: -1, msg: "key or value is missing" };
    if (size(key) > PMI_LIMITS.key) return { rc: -1, msg: `key is longer than ${PMI_LIMITS.key} bytes` };
    if (size(value) > PMI_LIMITS.value) return { rc: -1, msg: `value is longer than ${PMI_LIMITS.value} bytes` };
    this.#values.set(key, value);
    this.#puts.push([key, value]);
    return { rc: 0 };
  }

  #get(words: Words): Record<string, string | number> {
    const { kvsname, key } = fields(words);
    const value = kvsname === this.#options.kvsname && key !== undefined ? this.#values.get(key) : undefined;
    return value === undefined ? { rc: -1, msg: "failure" } : { rc: 0, value };
  }

  #barrier(rank: number): PmiPartAction[] {
    if (this.#entered.has(rank)) throw new FluxError("EPROTO", "second barrier_in before barrier_out");
    this.#entered.add(rank);
    if (this.#entered.size < this.#stages.size) return this.#lookStuck();
    const puts = this.#puts;
    this.#puts = [];
    return [{ kind: "exchange", puts }];
  }

  #spawn(rank: number, line: string): PmiAction[] {
    if (line !== "endcmd") return [];
    this.#stages.set(rank, "open");
    return [{ kind: "reply", rank, line: formatPmi({ cmd: "spawn_result", rc: -1 }) }];
  }

  /** Said once. */
  #lookStuck(): PmiPartAction[] {
    if (this.#stuck || this.#gone === undefined || this.#entered.size === 0) return [];
    this.#stuck = true;
    return [{ kind: "stuck", rank: this.#gone, waiting: new Idset(this.#entered) }];
  }
}

const utf8 = new TextEncoder();

/** Bytes of a text on the wire. */
function size(text: string): number {
  return utf8.encode(text).length;
}

function fields(words: Words): Record<"kvsname" | "key" | "value", string | undefined> {
  return { kvsname: words.get("kvsname"), key: words.get("key"), value: words.get("value") };
}

/** The code an abort carries, under either of the names that clients use; 1 without one. */
function exitCode(words: Words): number {
  const code = Number(words.get("exitcode") ?? words.get("exit_code"));
  return Number.isInteger(code) ? code : 1;
}
