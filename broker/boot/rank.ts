/**
 * One rank of a session as a process: finds its place, joins, runs the initial program if it is rank 0, and ends with all
 * it has made gone. Whoever started it is heard and told over a connection; when that ends, so does the rank.
 */

import { type Card, cardFields, FluxError, isErrno, readCard } from "../message/mod.ts";
import { signalName } from "../ports/mod.ts";
import { bracketed, ownAddresses } from "./addresses.ts";
import type { Endpoints } from "./bootstrap_config.ts";
import type { Order, Report } from "./control.ts";
import type { Neighbours } from "./exchange.ts";
import { programArgv, programEnvironment } from "./initial_program.ts";
import { PmiTrace } from "./pmi_trace.ts";
import { describeMissing, exposure } from "./report.ts";
import { Place, type Site } from "./place.ts";
import { processState } from "./process_tree.ts";
import { Program, type Source } from "./program.ts";
import type { RankBroker, RankOptions, RankPorts } from "./rank_options.ts";
import { Restarts } from "./restarts.ts";
import { Starter } from "./starter.ts";
import {
  ALONE,
  configuredWireUp,
  pmiWireUp,
  returningWireUp,
  servedWireUp,
  slurmWireUp,
  type WireUp,
} from "./wire_up.ts";

/** What a shell says of a program that is not there, and of one that cannot be run. */
const NOT_FOUND = 127, NOT_RUNNABLE = 126;
const SIGTERM = 15;
/** After this time people are told whom they wait for, ms. */
const NOTICE = 5000;
/** Rank 0 knows who is missing. The others give up so much later, ms, that they are not among those themselves. */
const DEFERENCE = 2000;
/** The initial program among the processes of its broker. */
const PROGRAM_LABEL = "rc2";

/** Runs the rank from start to end; resolves to the status the process is to exit with. Throws why it could not start. */
export async function runRank(options: RankOptions, ports: RankPorts): Promise<number> {
  const rank = new Rank(options, ports);
  return await rank.run();
}

class Rank {
  readonly #options: RankOptions;
  readonly #ports: RankPorts;
  #place: Place | undefined;
  #starter: Starter | undefined;
  #broker: RankBroker | undefined;
  /** The broker's parent has taken it in. */
  #joined = false;
  /** The broker is in state `run`: it can end in order. */
  #up = false;
  #program: Program | undefined;
  /** The connection to whoever started us has ended. */
  #deserted = false;
  readonly #restarts = new Restarts((rank) => this.#report({ restart: rank }));
  readonly #trace = new PmiTrace();
  #wireUp: WireUp | undefined;
  #hosts: readonly string[] = [];
  /** Rejects when the rank is to end before it is up. */
  readonly #stopped = Promise.withResolvers<never>();

  constructor(options: RankOptions, ports: RankPorts) {
    this.#options = options;
    this.#ports = ports;
    this.#stopped.promise.catch(() => {});
  }

  async run(): Promise<number> {
    try {
      this.#listenToSignals();
      await Promise.race([this.#start(), this.#stopped.promise]);
      const status = await this.#broker!.exited;
      await this.#program?.status;
      return status;
    } catch (error) {
      return this.#failed(error);
    } finally {
      this.#place?.leave(this.#orphaned);
      await this.#starter?.close();
    }
  }

  /**
   * Whoever started us is gone. It is heard over the connection, but another rank's end may be heard first; and the kernel
   * names our new parent, but a little after it has closed the connection.
   */
  get #orphaned(): boolean {
    const { method } = this.#options;
    if (method.kind !== "start") return false;
    return this.#deserted || (method.socket !== undefined && Deno.ppid !== method.socket.pid);
  }

  /** From nothing to the initial program, which ends the broker when it ends. */
  async #start(): Promise<void> {
    const { method, keys: makeKeys, timeout } = this.#options;
    const { rank } = method;
    const isWatched = method.kind === "start" || method.kind === "config";
    const patience = rank === 0 ? timeout : timeout + DEFERENCE;
    const deadline = isWatched ? undefined : this.#ports.clock.after(patience, () => this.#tooLate(patience));
    const isAsked = rank === 0 && method.kind !== "start" && method.kind !== "single";
    // What a system starts has nobody else who would tell of it.
    const notice = isAsked || method.kind === "config"
      ? this.#ports.clock.after(NOTICE, () => this.#sayMissing())
      : undefined;
    const wireUp = this.#wireUp = await this.#openWireUp();
    const place = this.#place ??= this.#findPlace(wireUp.session);
    if (method.kind === "start" && method.anew) await place.clear(this.#ports.clock);
    place.take();
    this.#report({ hello: rank });
    let admitted: Neighbours["keys"] = new Map();
    const broker = this.#options.broker({
      rundir: place.path,
      keys: await makeKeys(),
      rankOf: (publicKey) => admitted.get(publicKey),
      level: wireUp.level,
      ...(this.#starter && rank === 0 && { restart: (other: number) => this.#restarts.request(other) }),
    });
    this.#broker = broker;
    const card = broker.listen(wireUp.at?.listen ?? this.#endpoints(place.path, wireUp.isSpread), wireUp.at?.reached);
    const exposed = rank === 0 && wireUp.isSpread ? exposure(this.#options.security) : undefined;
    if (exposed !== undefined) broker.log("warning", exposed);
    const neighbours = await wireUp.meet(card, (keys) => void (admitted = keys));
    this.#hosts = neighbours.hosts;
    void broker.ending.then((ending) => {
      this.#program?.end();
      this.#report({ ending });
    });
    void broker.machine.when("quorum").then(() => {
      this.#joined = true;
      this.#report({ joined: true });
    });
    await broker.start(neighbours.parent, neighbours.right, neighbours.above, neighbours.hosts);
    deadline?.cancel();
    notice?.cancel();
    this.#up = true;
    this.#report({ up: true });
    if (rank === 0 && !this.#starter) this.#runProgram(broker);
  }

  async #openWireUp(): Promise<WireUp> {
    const { method, shape, security, userKey, hostname } = this.#options;
    const options = { size: method.size, shape, trace: this.#trace, security, userKey };
    if (method.kind === "single") return ALONE;
    if (method.kind === "config") return configuredWireUp(method.config, method.rank, options);
    if (method.kind === "fd") return await pmiWireUp(method.fd, options);
    if (method.kind === "slurm") {
      const [first] = method.nodes as [string];
      const place = method.rank === 0 ? first : await this.#options.nodeAddress(first);
      return await slurmWireUp(method, place, hostname, options, this.#ports, (text) => this.#options.say(text));
    }
    const { socket, session, anew } = method;
    this.#place = this.#findPlace(session);
    const events = { order: (order: Order) => this.#obey(order), gone: () => this.#abandoned() };
    this.#starter = socket
      ? await Starter.connect(socket.path, events, this.#ports.clock, () => this.#orphaned)
      : Starter.overStreams(events);
    const { pmi } = this.#starter;
    if (!anew) return servedWireUp(pmi, options, session);
    const announce = (card: Card) => this.#report({ returning: { uuid: this.#broker!.uuid, card: cardFields(card) } });
    return returningWireUp(pmi, options, session, announce);
  }

  #findPlace(session = ""): Place {
    const { method: { rank, size }, rundir, hostname, env, self } = this.#options;
    const site: Site = rundir !== undefined
      ? { kind: "given", path: rundir }
      : size === 1
      ? { kind: "own" }
      : { kind: "shared", session: [session, hostname, Deno.uid()].join(" "), size };
    return new Place(rank, site, env, self, this.#ports.random);
  }

  /** Sockets for the ranks of this host, and ports for those of others. */
  #endpoints(rundir: string, isSpread: boolean): Endpoints {
    const { method: { rank }, interfaceHint } = this.#options;
    const ports = isSpread ? ownAddresses(interfaceHint).map((address) => `tcp://${bracketed(address)}:*`) : [];
    const at = (name: string) => [`ipc://${rundir}/${name}-${rank}`, ...ports].join(",");
    return { tbon: at("tbon"), events: at("event"), ring: at("ring") };
  }

  #runProgram(broker: RankBroker): void {
    const { env, program, patience, quiet } = this.#options;
    const { clock, spawner } = this.#ports;
    const rundir = this.#place!.path;
    if (program === undefined) return;
    const argv = programArgv(program, env);
    if (!quiet) broker.log("info", `starting initial program: ${argv.join(" ")}`);
    try {
      this.#program = new Program({
        argv,
        env: programEnvironment(env, `local://${rundir}/local-0`, rundir),
        clock,
        spawner,
        patience,
        rundir,
      });
    } catch (error) {
      if (!(error instanceof FluxError)) throw error;
      return this.#notRun(broker, error);
    }
    const { pid, status } = this.#program;
    const signal = (number: number) => this.#program?.signal(signalName(number));
    broker.launcher.adopt(argv, pid, PROGRAM_LABEL, { handle() {}, signal }, status);
    this.#report({ program: pid });
    void status.then(({ code, signal }) => {
      const how = signal ? `terminated by ${signal}` : `exited with rc=${code}`;
      return broker.shutdown(code, `initial program (pid ${pid}) ${how}`);
    });
  }

  #notRun(broker: RankBroker, error: FluxError): void {
    const status = isErrno(error, "ENOENT") ? NOT_FOUND : NOT_RUNNABLE;
    const text = `cannot run the initial program: ${error.message}`;
    broker.log("err", text);
    this.#report({ failed: text, status });
    void broker.shutdown(status, text);
  }

  #failed(error: unknown): number {
    if (error instanceof Stopped) return error.status;
    // Whoever could be told, or told why, has been killed.
    if (this.#orphaned) return 1;
    if (!this.#starter) throw error;
    this.#report({ failed: error instanceof Error ? error.message : String(error), status: 1 });
    if (!(error instanceof FluxError)) throw error;
    return 1;
  }

  #obey(order: Order): void {
    if ("shutdown" in order) return this.#end(0, order.shutdown);
    if ("run" in order) return this.#runProgram(this.#broker!);
    if ("returning" in order) {
      const { rank, uuid, card } = order.returning;
      return this.#broker!.returns.announce(readCard(rank, card), uuid);
    }
    if ("restarted" in order) return this.#restarts.done(order.restarted, order.error);
    if (order.why !== undefined) this.#broker?.log("info", order.why);
    void this.#program?.tell(order.signal, "order").then((signalled) => this.#report({ signalled }));
  }

  #end(status: number, reason: string): void {
    if (this.#up) void this.#broker!.shutdown(status, reason);
    else this.#stopped.reject(new Stopped(status, reason));
  }

  /** Whoever started us is gone: ends everything, by force if it takes too long. */
  #abandoned(): void {
    this.#deserted = true;
    this.#program?.kill();
    this.#end(1, "flux start is gone");
    this.#ports.clock.after(this.#options.patience, () => {
      this.#place?.leave(true);
      Deno.exit(1);
    });
  }

  /** Says whom rank 0 waits for, or another one that has not found its parent. */
  #sayMissing(): void {
    const { method: { rank }, shape } = this.#options;
    const parent = shape.parent(rank);
    if (parent !== null) {
      if (!this.#joined) this.#options.say(`rank ${rank} waits for its parent, ${this.#describe([parent])}`);
      return;
    }
    const missing = this.#missing();
    const whom = missing.length > 0 ? this.#describe(missing) : "the other ranks' wire-up";
    this.#options.say(`waiting for ${whom}`);
  }

  /** Ranks that have not come, as far as this one knows. */
  #missing(): readonly number[] {
    const { method: { size } } = this.#options;
    if (this.#hosts.length === 0) return this.#wireUp?.missing?.() ?? [];
    return Array.from({ length: size }, (_, rank) => rank).filter((rank) => !this.#broker?.online.has(rank));
  }

  #describe(missing: readonly number[]): string {
    const hosts = this.#hosts.length > 0 ? this.#hosts : this.#wireUp?.hosts ?? [];
    return describeMissing(missing, hosts, (rank) => this.#options.shape.parent(rank));
  }

  #tooLate(patience: number): void {
    const { method, say } = this.#options;
    const missing = method.rank === 0 ? this.#missing() : [];
    const who = missing.length > 0 ? `${this.#describe(missing)} did not join` : "not up";
    // What was said last tells why a wire-up does not end; one rank's words are enough.
    if (method.rank === 0 && this.#hosts.length === 0) { for (const line of this.#trace.lines) say(`pmi: ${line}`); }
    this.#stopped.reject(new FluxError("ETIMEDOUT", `rank ${method.rank}: ${who} within ${patience / 1000} s`));
  }

  /**
   * A terminal interrupts its whole foreground process group, the initial program included, and nobody else needs to do
   * anything about it. Any other signal ends the session.
   */
  #listenToSignals(): void {
    const told = (signal: string, by: Source) => {
      if (this.#program) void this.#program.tell(signal, by);
      else this.#end(128 + SIGTERM, signal);
    };
    Deno.addSignalListener("SIGQUIT", () => {});
    Deno.addSignalListener("SIGINT", () => {
      const state = processState("self");
      // With a starter we share its process group, and it asks us whether the interrupt came to both.
      if (this.#starter || state?.group === state?.foreground) this.#program?.interruptedByTerminal();
      if (!this.#starter) told("SIGINT", "signal");
    });
    for (const name of ["SIGTERM", "SIGHUP"] as const) Deno.addSignalListener(name, () => told(name, "signal"));
  }

  #report(report: Report): void {
    this.#starter?.report(report);
  }
}

/** The rank was told to end before it was up. */
class Stopped extends Error {
  override readonly name = "Stopped";
  readonly status: number;
  constructor(status: number, reason: string) {
    super(reason);
    this.status = status;
  }
}
