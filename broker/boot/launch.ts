/**
 * `flux start`: starts the brokers of a session on this machine, serves their wire-up, and sees to it that all end
 * together and nothing is left. Rank 0's broker runs the initial program; its status is the session's. Over 400 lines, since
 * it is one state machine: what each event means depends on how far the session has come.
 */

import { FluxError, type JsonObject } from "../message/mod.ts";
import type { Clock, ExitStatus, Random } from "../ports/mod.ts";
import { LineStream } from "../pmi/mod.ts";
import { Alarms } from "./alarms.ts";
import { CONTROL_LIMIT, decodeControl, encodeControl, type Order, type Report } from "./control.ts";
import { Departures } from "./departures.ts";
import type { Shape } from "./exchange.ts";
import type { Fleet } from "./fleet.ts";
import { introduction } from "./introduction.ts";
import type { Member } from "./member.ts";
import { killTree, ofSession, processState } from "./process_tree.ts";
import { describeExit, describeLate, describeRanks, lateRanks } from "./report.ts";
import { Revivals } from "./revivals.ts";
import { linkProgram, planRunDirectory, removeRunDirectory } from "./run_directory.ts";
import { WireUpServer } from "./wire_up_server.ts";

/** How often the initial program is looked at, in case that rank 0 no longer does, ms. */
const LOOK = 1000;
/** Ranks that end within this time are reported together, ms. */
const GATHER = 100;
/** A signal this soon after the end has begun is what began it, ms. */
const ECHO = 500;
/** After this time people are told whom they wait for, ms. */
const NOTICE = 5000;
const KILLED = 137;

export interface LaunchOptions {
  readonly fleet: Fleet;
  readonly shape: Shape;
  /** How to start this program. */
  readonly self: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** How long ranks may take to come up, ms. */
  readonly timeout: number;
  /** How long brokers may be silent at the end before they are killed, ms. */
  readonly killerTimeout: number;
  /** Brokers that die are started anew. */
  readonly respawn: boolean;
  readonly verbose: boolean;
  /** Takes a line for standard error. */
  say(line: string): void;
}

export interface LaunchPorts {
  readonly clock: Clock;
  readonly random: Random;
}

export class Launch {
  readonly #options: LaunchOptions;
  readonly #ports: LaunchPorts;
  readonly #members: Member[] = [];
  readonly #wireUp: WireUpServer;
  readonly #done = Promise.withResolvers<number>();
  readonly #alarms: Alarms<"deadline" | "notice" | "program" | "look" | "hang" | "killer" | "answer" | "report">;
  readonly #departures = new Departures();
  readonly #revivals: Revivals;
  #rundir = "";
  #log: string | undefined;
  #stage: "starting" | "running" | "ending" = "starting";
  #status = 1;
  /** The initial program's process, once it runs. */
  #program: number | undefined;
  /** The program was told to end by a signal. */
  #told = false;
  #endedAt = 0;
  /** What was said in the wire-up has been shown. */
  #saidPmi = false;

  constructor(options: LaunchOptions, ports: LaunchPorts) {
    this.#options = options;
    this.#ports = ports;
    this.#alarms = new Alarms(ports.clock);
    this.#wireUp = new WireUpServer(options.fleet.size);
    this.#revivals = new Revivals({
      clock: ports.clock,
      timeout: options.timeout,
      automatic: options.respawn,
      bury: (rank) => this.#bury(this.#members[rank]!),
      spawn: (rank) => this.#spawn(rank, true),
      answer: (rank, error) =>
        this.#order(this.#members[0]!, { restarted: rank, ...(error !== undefined && { error }) }),
      say: options.say,
    });
  }

  /** Runs the session from start to end; resolves to its status. Throws when nothing could be started at all. */
  async run(): Promise<number> {
    const { env, fleet: { size }, self, verbose, say, timeout } = this.#options;
    const rundir = planRunDirectory((name) => env[name], size, this.#ports.random);
    this.#rundir = rundir.path;
    if (verbose) { for (const note of [...rundir.notes, `run directory ${rundir.path}`]) say(note); }
    let listener: Deno.UnixListener | undefined;
    try {
      // Made once rank 0 exists: from then on there is always somebody who removes it, should we be killed.
      this.#spawn(0);
      rundir.make();
      linkProgram(this.#rundir, self);
      listener = Deno.listen({ transport: "unix", path: `${this.#rundir}/start` });
      void this.#accept(listener);
      for (let rank = 1; rank < size; rank++) this.#spawn(rank);
      this.#alarms.set("deadline", timeout, () => this.#tooLate());
      if (timeout > NOTICE) this.#alarms.set("notice", NOTICE, () => this.#sayLate("is not up yet"));
      return await this.#done.promise;
    } finally {
      this.#alarms.cancelAll();
      listener?.close();
      await this.#killRest();
      removeRunDirectory(this.#rundir);
    }
  }

  /** Nothing is left at the end, unless we could not go on in the middle of starting. */
  async #killRest(): Promise<void> {
    const left = this.#members.filter(({ exited }) => !exited);
    for (const { process } of left) process.child.kill("SIGKILL");
    await Promise.all(left.map(({ process }) => process.child.status));
  }

  /** A signal came to `flux start`, or what is like one: the first lets the program and the session end in order, the second kills. */
  signal(name: string, number: number, why?: string): void {
    const { say, killerTimeout } = this.#options;
    const root = this.#members[0]!;
    if (this.#stage === "starting") {
      say(`${name} before the session was up`);
      return this.#end(128 + number, `interrupted by ${name}`);
    }
    if (this.#stage === "ending") {
      if (this.#ports.clock.now() - this.#endedAt > ECHO) this.#killAll(KILLED);
      return;
    }
    if (this.#told) return this.#killAll(128 + number);
    this.#order(root, { signal: name, why });
    if (this.#alarms.isSet("answer")) return;
    this.#alarms.set("answer", Math.max(LOOK, killerTimeout), () => this.#hangs(name, 128 + number));
  }

  #spawn(rank: number, anew = false): void {
    const { fleet, verbose, say } = this.#options;
    if (verbose) say(`${rank}: ${fleet.command(rank, this.#rundir).join(" ")}`);
    const process = fleet.start(rank, this.#rundir, anew);
    const member: Member = { rank, process, progress: "spawned", anew };
    this.#members[rank] = member;
    void process.child.status.then((status) => this.#lastWords(member).then(() => this.#exited(member, status)));
    if (process.control) void this.#greet(process.control, member);
  }

  async #accept(listener: Deno.UnixListener): Promise<void> {
    for await (const conn of listener) void this.#greet(new LineStream(conn, CONTROL_LIMIT));
  }

  /** Takes a connection that says which rank it is, which is that of `shell` if it was made by a remote one; others are closed. */
  async #greet(control: LineStream, shell?: Member): Promise<void> {
    try {
      const rank = await introduction(control, shell !== undefined);
      const member = rank === undefined ? undefined : this.#members[rank];
      if (!member || member.control || (shell && shell !== member)) return await control.close();
      member.control = control;
      member.progress = "connected";
      if (this.#stage === "ending") this.#order(member, { shutdown: "the session is ending" });
      await (member.heard = this.#hear(member, control));
    } catch (error) {
      if (!(error instanceof FluxError)) throw error;
      if (shell && !shell.control) this.#fail(shell, error.message, 1);
      else this.#options.say(`control connection: ${error.message}`);
      await control.close();
    }
  }

  async #hear(member: Member, control: LineStream): Promise<void> {
    for (let line = await control.read(); line !== null; line = await control.read()) {
      if (line.startsWith("{")) this.#heard(member, decodeControl<Report>(line));
      else {
        const broken = this.#wireUp.receive(member, line, this.#members);
        if (broken) this.#fail(broken.member, broken.reason, 1);
      }
    }
    await control.close();
  }

  /** The end of a process may be seen before what it said last; that is waited for, but not for long. */
  async #lastWords(member: Member): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#ports.clock.after(GATHER, resolve);
    await Promise.race([member.heard?.catch(() => {}), promise]);
    timer.cancel();
  }

  #heard(member: Member, report: Report): void {
    if (this.#stage === "ending") this.#restartKiller();
    if ("joined" in report) member.progress = "joined";
    else if ("up" in report) this.#up(member);
    else if ("restart" in report) this.#revivals.request(report.restart);
    else if ("returning" in report) this.#returning(member, report.returning);
    else if ("program" in report) {
      this.#program = report.program;
      this.#alarms.cancel("program");
    } else if ("failed" in report) this.#fail(member, report.failed, report.status);
    else if ("ending" in report) {
      member.ending = report.ending;
      if (member.rank === 0 && this.#stage === "running") this.#ending(report.ending.status);
    } else if ("signalled" in report) {
      this.#alarms.cancel("answer");
      if (report.signalled === "terminal") return;
      this.#told = true;
      this.#options.say("the session is ending; another signal kills it");
    }
  }

  #fail(member: Member, reason: string, status: number): void {
    member.failed = reason;
    if (!member.anew && this.#stage !== "ending") this.#end(status, "a rank did not come up");
  }

  /** When rank 0 is up, so is the session. */
  #up(member: Member): void {
    member.progress = "up";
    if (member.anew) this.#revivals.up(member.rank);
    if (member.rank > 0 || this.#stage !== "starting") return;
    this.#stage = "running";
    this.#alarms.cancel("deadline", "notice");
    this.#order(member, { run: true });
    this.#alarms.set("program", this.#options.timeout, () => this.#hangs("the order to run the initial program", 1));
    this.#alarms.set("look", LOOK, () => this.#look());
  }

  /** When the initial program has ended and rank 0 says nothing of it for a while, rank 0 hangs. */
  #look(): void {
    this.#alarms.set("look", LOOK, () => this.#look());
    if (this.#program === undefined) return;
    const state = processState(this.#program);
    if ((state !== undefined && state.state !== "Z") || this.#alarms.isSet("hang")) return;
    const wait = state?.waitStatus ?? 0;
    this.#alarms.set("hang", this.#options.killerTimeout, () => {
      this.#hangs("the end of the initial program", (wait & 0x7f) === 0 ? wait >> 8 & 0xff : 128 + (wait & 0x7f));
    });
  }

  /** Rank 0 takes no notice of something: ends it, and the session with this status. */
  #hangs(what: string, status: number): void {
    const root = this.#members[0]!;
    this.#options.say(`rank 0 (pid ${root.process.child.pid}) does not react to ${what}: killed`);
    this.#dismiss(root, "SIGKILL");
    this.#abort(status);
  }

  /** A rank that comes back has said who it is now. */
  #returning({ rank }: Member, who: { uuid: string; card: JsonObject }): void {
    this.#order(this.#members[0]!, { returning: { rank, ...who } });
  }

  async #bury(member: Member): Promise<void> {
    this.#dismiss(member, "SIGKILL");
    await member.process.child.status;
  }

  #exited(member: Member, status: ExitStatus): void {
    member.exited = status;
    // What a remote shell has left behind learns that nobody hears it any more.
    void member.control?.close();
    const { rank, failed, dismissed, ending } = member;
    const isReplaced = this.#members[rank] !== member;
    if (rank === 0 && status.signal === "SIGINT" && this.#program === undefined && this.#stage !== "running") {
      // The terminal's SIGINT reaches rank 0 as well, which may end before we hear of ours.
      member.dismissed = true;
      if (this.#stage === "starting") this.signal("SIGINT", 2);
    } else if (this.#stage === "starting") {
      member.isCulprit = true;
      this.#end(1, "a rank did not come up");
    } else if (this.#stage === "running" && rank === 0) {
      this.#reportExit(member, status);
      this.#abort(status.code);
    } else if (!dismissed && failed === undefined && this.#program !== undefined) {
      const expected = ending?.status ?? (rank === 0 ? this.#status : 0);
      if ((this.#stage === "running" && !isReplaced) || status.signal !== null || status.code !== expected) {
        this.#reportExit(member, status);
      }
    }
    if (this.#stage === "ending") this.#restartKiller();
    if (this.#stage === "running" && !isReplaced) this.#revivals.exited(rank, failed ?? describeExit(status));
    if (this.#members.length === this.#options.fleet.size && this.#members.every(({ exited }) => exited)) {
      this.#allExited();
    }
  }

  #allExited(): void {
    if (this.#program === undefined) this.#reportFailures();
    this.#report();
    this.#done.resolve(this.#status);
  }

  /** Ranks that give the same reason are told of in one line. */
  #reportExit(member: Member, status: ExitStatus): void {
    const { rank, process, ending } = member;
    if (ending && this.#stage === "running") this.#departures.left(rank, ending);
    else if (ending) this.#departures.add(rank, ` ended: ${ending.reason}`);
    else for (const line of process.obituary(status)) this.#options.say(line);
    if (!this.#alarms.isSet("report")) this.#alarms.set("report", GATHER, () => this.#report());
  }

  #report(): void {
    for (const line of this.#departures.take(this.#stage === "ending")) this.#options.say(line);
  }

  /** Why the session did not come up. */
  #reportFailures(): void {
    const { verbose, say } = this.#options;
    for (const { rank, failed, exited, isCulprit, dismissed, process } of this.#members) {
      if (failed !== undefined) this.#departures.add(rank, `: ${failed}`);
      else if (isCulprit || (!dismissed && (exited!.code !== 0 || exited!.signal !== null))) {
        process.obituary(exited!).forEach(say);
      }
    }
    if (verbose && !this.#saidPmi) { for (const line of this.#wireUp.lines) say(`pmi: ${line}`); }
  }

  #tooLate(): void {
    for (const rank of this.#sayLate(`did not come up within ${this.#options.timeout / 1000} s`)) {
      const { process: { line } } = this.#members[rank]!;
      if (line !== undefined) this.#options.say(line);
      this.#dismiss(this.#members[rank]!, "SIGKILL");
    }
    for (const line of this.#wireUp.lines) this.#options.say(`pmi: ${line}`);
    this.#saidPmi = true;
    this.#end(1, "a rank did not come up");
  }

  /** Names the ranks that are to blame; returns them. */
  #sayLate(verb: string): number[] {
    const { shape, say } = this.#options;
    const late = lateRanks(this.#members.map(({ progress }) => progress), (rank) => shape.parent(rank));
    for (const one of late) {
      const { where, isStopped, said } = this.#members[one.rank]!.process;
      say(describeLate(one, { where, isStopped: isStopped(), said: said?.() }, verb));
    }
    return late.map(({ rank }) => rank);
  }

  /** Ends a session that is not up, or whose rank 0 is lost: every broker is told by us. */
  #end(status: number, reason: string): void {
    if (this.#stage === "ending") return;
    this.#ending(status);
    for (const member of this.#members) {
      if (member.exited) continue;
      if (member.control) this.#order(member, { shutdown: reason });
      else this.#dismiss(member, "SIGTERM");
    }
  }

  /** The session ends, by itself or by us: brokers that hang are killed. */
  #ending(status: number): void {
    this.#stage = "ending";
    this.#revivals.close();
    this.#status = status;
    this.#endedAt = this.#ports.clock.now();
    this.#alarms.cancel("deadline", "notice", "program", "look", "hang", "answer");
    this.#restartKiller();
  }

  /** Rank 0 is lost, or lost to us. */
  #abort(status: number): void {
    this.#killProgram();
    this.#end(status, "rank 0 is lost");
  }

  #killAll(status: number): void {
    this.#killProgram();
    this.#end(status, "killed");
    for (const member of this.#members) this.#dismiss(member, "SIGKILL");
  }

  #killProgram(): void {
    if (this.#program !== undefined) killTree(this.#program, ofSession(this.#rundir));
  }

  #dismiss(member: Member, signal: string): void {
    if (member.exited) return;
    member.dismissed = true;
    member.process.child.kill(signal);
  }

  /** Kills what is left when nothing has happened for a while: rank 0 last, since it may wait for the others. */
  #restartKiller(): void {
    const { killerTimeout, say } = this.#options;
    this.#alarms.set("killer", killerTimeout, () => {
      const left = this.#members.filter(({ exited }) => !exited);
      const others = left.filter(({ rank }) => rank > 0);
      const stopped = others.filter(({ process }) => process.isStopped());
      // Who waits for one that is stopped is not to blame, and goes on when that one is gone.
      const late = stopped.length > 0 ? stopped : others.length > 0 ? others : left;
      if (late.length === 0) return;
      const [who, why] = [describeRanks(late.map(({ rank }) => rank)), stopped.length > 0 ? " (stopped)" : ""];
      say(`${who}${why} did not end within ${killerTimeout / 1000} s: killed`);
      if (late.some(({ rank }) => rank === 0)) this.#killProgram();
      for (const member of late) this.#dismiss(member, "SIGKILL");
      this.#restartKiller();
    });
  }

  #order(member: Member, order: Order): void {
    member.control?.write(encodeControl(order));
  }
}
