/** The client's side of PMI-1 over any line stream: what a broker that is started by someone's launcher speaks. */

import { FluxError, isErrno } from "../message/mod.ts";
import { formatPmi, parsePmi, PMI_LIMITS } from "./words.ts";

/** What this needs of a connection. `LineStream` is one. */
export interface PmiLines {
  read(): Promise<string | null>;
  write(line: string): void;
}

type Words = Readonly<Record<string, string | number>>;

/** Answers come in the order of the requests. */
export class PmiClient {
  readonly #lines: PmiLines;
  readonly #isPatient: boolean;
  /** Ends with the answer to the last request. */
  #last: Promise<unknown> = Promise.resolve();
  #kvsname = "";
  #valueLimit: number = PMI_LIMITS.value;

  /**
   * Requests follow each other without waiting, unless the server is not ours: Slurm's and Hydra's lose what comes before they
   * have answered.
   */
  constructor(lines: PmiLines, server: "ours" | "foreign" = "ours") {
    this.#lines = lines;
    this.#isPatient = server === "foreign";
  }

  /** The longest value the server takes, bytes. */
  get valueLimit(): number {
    return this.#valueLimit;
  }

  /** What the server calls this session; empty before `init`. */
  get kvsname(): string {
    return this.#kvsname;
  }

  /** Opens the conversation. Throws EPROTO when the server speaks no PMI 1.1, ECONNRESET when it is gone. */
  async init(): Promise<void> {
    await this.#ask({ cmd: "init", pmi_version: 1, pmi_subversion: 1 }, "response_to_init");
    const maxes = await this.#ask({ cmd: "get_maxes" }, "maxes");
    const own = await this.#ask({ cmd: "get_my_kvsname" }, "my_kvsname");
    this.#valueLimit = Number(maxes.get("vallen_max") ?? this.#valueLimit);
    this.#kvsname = own.get("kvsname") ?? "";
  }

  /** Throws EPROTO with the server's reason. */
  async put(key: string, value: string): Promise<void> {
    await this.#ask({ cmd: "put", kvsname: this.#kvsname, key, value }, "put_result");
  }

  /** Resolves once every process has come to the same point. */
  async barrier(): Promise<void> {
    await this.#ask({ cmd: "barrier_in" }, "barrier_out");
  }

  /** Throws EPROTO when there is no such key. */
  async get(key: string): Promise<string> {
    const answer = await this.#ask({ cmd: "get", kvsname: this.#kvsname, key }, "get_result", ` of key ${key}`);
    return answer.get("value") ?? "";
  }

  /** The same, undefined when there is none. */
  async find(key: string): Promise<string | undefined> {
    try {
      return await this.get(key);
    } catch (error) {
      if (isErrno(error, "EPROTO")) return undefined;
      throw error;
    }
  }

  async finalize(): Promise<void> {
    await this.#ask({ cmd: "finalize" }, "finalize_ack");
  }

  #ask(request: Words, answer: string, about = ""): Promise<Map<string, string>> {
    const result = this.#last.then(() => {
      this.#lines.write(formatPmi(request));
      return this.#answer(String(request.cmd) + about, answer);
    });
    this.#last = result.catch(() => {});
    return result;
  }

  async #answer(request: string, expected: string): Promise<Map<string, string>> {
    const line = await this.#lines.read();
    if (line === null) throw new FluxError("ECONNRESET", `PMI ${request}: the server has closed the connection`);
    const words = parsePmi(line);
    if (words.get("cmd") !== expected) throw new FluxError("EPROTO", `PMI ${request}: unexpected answer "${line}"`);
    if (Number(words.get("rc") ?? 0) !== 0) {
      throw new FluxError("EPROTO", `PMI ${request}: ${words.get("msg") ?? `error ${words.get("rc")}`}`);
    }
    return words;
  }
}
