/**
 * PMI-1 for the tasks of one job on one rank: hands what they say to the state machine (broker/pmi/part.ts), meets the other ranks of
 * the job in its barriers, and ends the job when a task asks for that or has left the others behind.
 */

import { FluxError, Idset, isErrno } from "../../../broker/message/mod.ts";
import { LineBuffer, PMI_LIMITS, PmiPart, type PmiPartAction } from "../../../broker/pmi/mod.ts";
import { exitCode, howEnded, type Timer } from "../../../broker/ports/mod.ts";
import type { Contribution, JobReins, LocalJob } from "../contribution.ts";
import { nodesOf, processMapping } from "./mapping.ts";
import { PmiPort } from "./port.ts";
import type { Rounds } from "./rounds.ts";
import { howLeft, LINGER, tasksAt, waitWords } from "./stranding.ts";

/** The variable with the descriptor of a task's connection. */
const CHANNEL = "PMI_FD";
/** How long the last words of a task that has ended may take to be read, ms: what it has started may keep its connection open. */
const LAST_WORDS = 200;

/** When the tasks of a rank do not all end within this time after one will enter no barrier any more, ms, rank 0 is told of that one. */
const ALONE = 1000;

export class JobPmi implements Contribution {
  readonly #job: LocalJob;
  readonly #reins: JobReins;
  readonly #rounds: Pick<Rounds, "meet">;
  readonly #part: PmiPart;
  readonly #host: string | undefined;
  readonly #nodes: readonly number[];
  readonly #incoming = new Map<number, LineBuffer>();
  /** Tasks that are not heard any more, by how they broke the rules. */
  readonly #expelled = new Map<number, string>();
  /** Tasks whose connection has ended, and the status words of those that have. */
  readonly #silent = new Set<number>();
  readonly #exits = new Map<number, number>();
  readonly #timers = new Set<Timer>();
  readonly #closed = new AbortController();
  /** Where tasks call instead of using the socket they inherit. */
  readonly #port: PmiPort | undefined;
  #signalled = false;
  /** Rank 0 has been told, or will be, of a task that enters no barrier any more. */
  #telling = false;

  /** `hosts` has the host of each rank of the session; `values` are there from the start, besides the process mapping. */
  constructor(
    job: LocalJob,
    reins: JobReins,
    rounds: Pick<Rounds, "meet">,
    hosts: readonly string[],
    values: Readonly<Record<string, string>> = {},
  ) {
    this.#job = job;
    this.#reins = reins;
    this.#rounds = rounds;
    const { name, layout, place } = job;
    this.#host = hosts[job.rank];
    this.#nodes = nodesOf(layout, hosts);
    const mapping = processMapping(this.#nodes);
    this.#part = new PmiPart({
      size: this.#nodes.length,
      ranks: place.tasks,
      kvsname: name,
      values: { ...values, ...(mapping !== undefined && { PMI_process_mapping: mapping }) },
    });
    if (!job.spec.options["pmi-port"]) return;
    this.#port = new PmiPort(place.tasks, this.#nodes.length, {
      line: (task, line) => this.#hear(task, line),
      ended: (task, error) => {
        if (error !== undefined) this.#run([{ kind: "close", rank: task, error }]);
        this.#ended(task);
      },
      refused: (reason) => reins.log(`PMI: refused a call: ${reason}`),
    });
  }

  /** Where a task is among those on its node, and where it finds PMI if that is not at its socket. */
  environment(task: number): Record<string, string> {
    const node = this.#nodes[task];
    const peers = this.#nodes.flatMap((other, peer) => other === node ? [peer] : []);
    return {
      MPI_LOCALRANKID: `${peers.indexOf(task)}`,
      MPI_LOCALNRANKS: `${peers.length}`,
      ...(this.#port && { PMI_PORT: this.#port.address, PMI_ID: `${task}` }),
    };
  }

  channels(): readonly string[] {
    return this.#port ? [] : [CHANNEL];
  }

  heard(task: number, _channel: string, bytes: Uint8Array | undefined): void {
    if (!bytes) return this.#ended(task);
    if (this.#expelled.has(task)) return;
    let incoming = this.#incoming.get(task);
    if (!incoming) this.#incoming.set(task, incoming = new LineBuffer(PMI_LIMITS.line));
    try {
      incoming.push(bytes);
      for (let line = incoming.next(); line !== undefined && !this.#expelled.has(task); line = incoming.next()) {
        this.#hear(task, line);
      }
    } catch (error) {
      if (!isErrno(error, "EMSGSIZE")) throw error;
      this.#run([{ kind: "close", rank: task, error: error.message }]);
    }
  }

  exited(task: number, status: number): void {
    this.#exits.set(task, status);
    if (this.#silent.has(task)) this.#over(task);
    else this.#after(LAST_WORDS, () => this.#over(task));
  }

  signalled(): void {
    this.#signalled = true;
  }

  close(): void {
    this.#closed.abort();
    for (const timer of this.#timers) timer.cancel();
    this.#port?.close();
  }

  #hear(task: number, line: string): void {
    this.#trace(task, ">", line);
    this.#run(this.#part.receive(task, line));
  }

  #ended(task: number): void {
    this.#silent.add(task);
    if (this.#exits.has(task)) this.#over(task);
  }

  /** A task has ended, and all it said has been heard. */
  #over(task: number): void {
    this.#reins.drop(task, CHANNEL);
    this.#run(this.#part.ended(task));
  }

  #run(actions: readonly PmiPartAction[]): void {
    if (this.#closed.signal.aborted) return;
    for (const action of actions) this.#carryOut(action);
    if (this.#part.gone === undefined || this.#telling || this.#job.layout.ranks.length === 1) return;
    this.#telling = true;
    this.#after(ALONE, () => this.#tellGone(this.#part.gone!));
  }

  /** Tasks of other ranks may wait for it, which this one cannot know. */
  #tellGone(task: number): void {
    const { jobid, rank, handle } = this.#job;
    const status = this.#exits.get(task);
    handle.post("wreck.pmi-left", { jobid, rank, task, ...(status !== undefined && { status }) }, { rank: 0 });
  }

  #carryOut(action: PmiPartAction): void {
    switch (action.kind) {
      case "reply":
        this.#trace(action.rank, "<", action.line);
        return this.#write(action.rank, action.line);
      case "close":
        if (action.error !== undefined) this.#expel(action.rank, action.error);
        return this.#port ? this.#port.end(action.rank) : this.#reins.end(action.rank, CHANNEL);
      case "exchange":
        return void this.#exchange(action.puts);
      case "abort": {
        const why = action.text === "" ? "" : `: ${action.text}`;
        return this.#abort(code(action.code), `${this.#name(action.rank)} has aborted the job${why}`);
      }
      case "lost":
        return this.#lost(action.rank);
      case "stuck": {
        const { waiting, rank } = action;
        const status = this.#exits.get(rank);
        const reason = `${this.#name(rank)} ${howLeft(status)}, and ${waitWords(waiting, 1)}`;
        return this.#end(code(exitCode(status ?? 0)), reason);
      }
    }
  }

  /** Whatever it sends from now on stays where it is. */
  #expel(task: number, error: string): void {
    this.#reins.log(`task ${task}: PMI: ${error}`);
    this.#expelled.set(task, error);
    this.#incoming.delete(task);
    this.#reins.drop(task, CHANNEL);
    this.#ended(task);
  }

  #write(task: number, line: string): void {
    if (this.#port) this.#port.write(task, line);
    else this.#reins.write(task, CHANNEL, new TextEncoder().encode(`${line}\n`));
  }

  async #exchange(puts: Extract<PmiPartAction, { kind: "exchange" }>["puts"]): Promise<void> {
    const { jobid, layout: { ranks } } = this.#job;
    try {
      const all = await this.#rounds.meet({ jobid, ranks, puts }, this.#closed.signal);
      this.#run(this.#part.complete(all));
    } catch (error) {
      if (!(error instanceof FluxError)) throw error;
      this.#end(1, error.message);
    }
  }

  #lost(task: number): void {
    const status = this.#exits.get(task)!;
    const fault = this.#expelled.get(task);
    const why = fault === undefined ? "" : `, which had broken off: ${fault}`;
    this.#end(code(exitCode(status)), `${this.#name(task)} ${howEnded(status)} before it had finalized PMI${why}`);
  }

  /** The others would wait for ever; but who was signalled together may end together. */
  #end(status: number, reason: string): void {
    if (this.#closed.signal.aborted) return;
    if (this.#signalled) this.#after(LINGER, () => this.#abort(status, reason));
    else this.#abort(status, reason);
  }

  #abort(status: number, reason: string): void {
    if (!this.#closed.signal.aborted) this.#reins.abort(status, reason);
  }

  #name(task: number): string {
    return tasksAt(new Idset([task]), new Idset([this.#job.rank]), this.#host);
  }

  #after(ms: number, action: () => void): void {
    const timer = this.#job.clock.after(ms, () => {
      this.#timers.delete(timer);
      action();
    });
    this.#timers.add(timer);
  }

  #trace(task: number, direction: ">" | "<", line: string): void {
    if (this.#job.spec.options["pmi-trace"]) this.#reins.log(`${task} ${direction} ${line}`);
  }
}

/** What a process can exit with, and no success. */
function code(status: number): number {
  return (status & 0xff) || 1;
}
