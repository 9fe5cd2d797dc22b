/**
 * PMI-1 at a port of this host instead of at an inherited socket, for programs that a task starts and that its descriptors do not reach
 * (`PMI_PORT`, `PMI_ID`). Who calls says which task he is, and is told the rest. Any process of the job's user may do so.
 */

import { FluxError } from "../../../broker/message/mod.ts";
import { formatPmi, LineStream, parsePmi, PMI_LIMITS } from "../../../broker/pmi/mod.ts";
import { tcpOwner } from "./tcp_owner.ts";

export interface PmiPortEvents {
  /** A line of a task that has said who it is. */
  line(task: number, line: string): void;
  /** Its connection has ended; with the reason if it broke a rule. */
  ended(task: number, error?: string): void;
  /** Somebody called who is none of the tasks. */
  refused(reason: string): void;
}

export class PmiPort {
  readonly #listener: Deno.TcpListener;
  readonly #tasks: ReadonlySet<number>;
  readonly #size: number;
  readonly #events: PmiPortEvents;
  readonly #calls = new Map<number, LineStream>();
  readonly #open = new Set<LineStream>();

  /** `tasks` are those that may call, of `size` in all. Throws Deno's error when there is no port to listen at. */
  constructor(tasks: readonly number[], size: number, events: PmiPortEvents) {
    this.#tasks = new Set(tasks);
    this.#size = size;
    this.#events = events;
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    void this.#accept();
  }

  /** `127.0.0.1:PORT`. */
  get address(): string {
    const { hostname, port } = this.#listener.addr;
    return `${hostname}:${port}`;
  }

  write(task: number, line: string): void {
    this.#calls.get(task)?.write(line);
  }

  /** Closes a task's connection behind what was written. */
  end(task: number): void {
    void this.#calls.get(task)?.close();
  }

  close(): void {
    this.#listener.close();
    for (const call of this.#open) void call.close();
  }

  async #accept(): Promise<void> {
    try {
      for await (const conn of this.#listener) void this.#serve(conn);
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error; // closed
    }
  }

  async #serve(conn: Deno.TcpConn): Promise<void> {
    const call = new LineStream(conn, PMI_LIMITS.line);
    this.#open.add(call);
    let task: number | undefined;
    try {
      task = this.#greet(await call.read(), conn);
      this.#calls.set(task, call);
      call.write(formatPmi({ cmd: "initack", rc: 0 }));
      for (const told of [{ size: this.#size }, { rank: task }, { debug: 0 }]) {
        call.write(formatPmi({ cmd: "set", ...told }));
      }
      for (let line = await call.read(); line !== null; line = await call.read()) this.#events.line(task, line);
      this.#events.ended(task);
    } catch (error) {
      if (!(error instanceof FluxError)) throw error;
      if (task === undefined) this.#events.refused(error.message);
      else this.#events.ended(task, error.message);
    } finally {
      this.#open.delete(call);
      await call.close();
    }
  }

  /** The task that calls. Throws EPROTO for a first line that is none, EPERM for another user, EEXIST for a task that has called. */
  #greet(line: string | null, conn: Deno.TcpConn): number {
    const owner = tcpOwner(conn.remoteAddr, conn.localAddr);
    if (owner !== Deno.uid()) throw new FluxError("EPERM", `a call of user ${owner ?? "unknown"}`);
    const words = parsePmi(line ?? "");
    const id = words.get("pmiid") ?? "";
    if (words.get("cmd") !== "initack" || !/^\d{1,9}$/.test(id)) {
      throw new FluxError("EPROTO", `"${line}" is no initack`);
    }
    if (!this.#tasks.has(Number(id))) throw new FluxError("EPROTO", `PMI_ID ${id} is no task here`);
    if (this.#calls.has(Number(id))) throw new FluxError("EEXIST", `task ${id} has called before`);
    return Number(id);
  }
}
