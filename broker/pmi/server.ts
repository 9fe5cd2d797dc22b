/**
 * The server's side of PMI-1 for a set of processes, all of them here (wire.md §6; limits and texts: rulings.md). Pure:
 * a line of one rank goes in, what is to be done comes out.
 */

import { FluxError, Idset } from "../message/mod.ts";
import { formatPmi, parsePmi, PMI_LIMITS } from "./words.ts";

export type PmiAction =
  | { readonly kind: "reply"; readonly rank: number; readonly line: string }
  /** The conversation with a rank is over: in order, or with the error it made. */
  | { readonly kind: "close"; readonly rank: number; readonly error?: string }
  /** A rank asks for the end of all. */
  | { readonly kind: "abort"; readonly rank: number; readonly code: number; readonly text: string };

export interface PmiServerOptions {
  readonly size: number;
  readonly kvsname: string;
  /** Keys that are there from the start. */
  readonly values?: Readonly<Record<string, string>>;
}

type Words = ReadonlyMap<string, string>;

export class PmiServer {
  readonly #options: PmiServerOptions;
  readonly #values: Map<string, string>;
  readonly #speaking = new Set<number>();
  /** Ranks inside a spawn command, whose lines are skipped up to its end. */
  readonly #spawning = new Set<number>();
  #entered = new Idset();

  constructor(options: PmiServerOptions) {
    this.#options = options;
    this.#values = new Map(Object.entries(options.values ?? {}));
  }

  /** Ranks that wait in the barrier now. */
  get waiting(): Idset {
    return this.#entered;
  }

  /** One line, without its newline, of one rank. */
  receive(rank: number, line: string): PmiAction[] {
    try {
      if (size(line) > PMI_LIMITS.line) throw new FluxError("EPROTO", `line is longer than ${PMI_LIMITS.line} bytes`);
      if (this.#spawning.has(rank)) return this.#spawn(rank, line);
      return this.#command(rank, parsePmi(line));
    } catch (error) {
      if (!(error instanceof FluxError)) throw error;
      return [{ kind: "close", rank, error: error.message }];
    }
  }

  #command(rank: number, words: Words): PmiAction[] {
    const command = words.get("cmd") ?? words.get("mcmd") ?? "";
    if (command === "init") return this.#init(rank, words);
    if (!this.#speaking.has(rank)) throw new FluxError("EPROTO", `"${command}" before init`);
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
        this.#speaking.delete(rank);
        return [...reply("finalize_ack", { rc: 0 }), { kind: "close", rank }];
      case "publish_name":
      case "unpublish_name":
      case "lookup_name":
        return reply(`${command.slice(0, -5)}_result`, { rc: -1, msg: "command not implemented" });
      case "spawn":
        this.#spawning.add(rank);
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
    this.#speaking.add(rank);
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
    return { rc: 0 };
  }

  #get(words: Words): Record<string, string | number> {
    const { kvsname, key } = fields(words);
    const value = kvsname === this.#options.kvsname && key !== undefined ? this.#values.get(key) : undefined;
    return value === undefined ? { rc: -1, msg: "failure" } : { rc: 0, value };
  }

  #barrier(rank: number): PmiAction[] {
    if (this.#entered.has(rank)) throw new FluxError("EPROTO", "second barrier_in before barrier_out");
    this.#entered.add(rank);
    if (this.#entered.size < this.#options.size) return [];
    const ranks = [...this.#entered];
    this.#entered = new Idset();
    return ranks.map((rank) => ({ kind: "reply", rank, line: formatPmi({ cmd: "barrier_out", rc: 0 }) }));
  }

  #spawn(rank: number, line: string): PmiAction[] {
    if (line !== "endcmd") return [];
    this.#spawning.delete(rank);
    return [{ kind: "reply", rank, line: formatPmi({ cmd: "spawn_result", rc: -1 }) }];
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
