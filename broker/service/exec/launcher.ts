/** The processes of one broker: starts tasks, keeps the list, ends what is left when the broker ends. */

import { FluxError, strerror } from "../../message/mod.ts";
import { type Clock, exitCode, sleep, type Spawner } from "../../ports/mod.ts";
import { type Command, commandOf, ExecFlag, inputCredit, streamOption } from "./command.ts";
import { Guard } from "./guard.ts";
import { Process, type ProcessOptions, type Run } from "./process.ts";
import { ProcessList } from "./process_list.ts";
import { Running } from "./running.ts";
import type { News } from "./subprocess.ts";

const SIGKILL = 9, SIGTERM = 15, SIGCONT = 18;
/** After SIGKILL, how long the broker still waits for the end of its tasks, ms: some may hang in the kernel. */
const LAST_WAIT = 1000;
/** What must not reach tasks: it concerns the broker's own process. */
const PRIVATE = ["FLUX_PROXY_REMOTE", "NOTIFY_SOCKET", "INVOCATION_ID"];

export interface LauncherOptions {
  readonly rank: number;
  readonly clock: Clock;
  readonly spawner: Spawner;
  /** Where clients of this broker connect. */
  readonly uri: string;
  /** The directory of the program itself, for PATH. */
  readonly bin: string;
  /** What a task without an environment of its own gets. */
  environment(): Record<string, string>;
  /** Bytes on their way to a client of this broker. */
  backlog(sender: string): number;
  log(level: "warning" | "info", text: string): void;
}

export interface Launch extends ProcessOptions {
  /** ExecFlag bits: which streams are forwarded. */
  readonly flags: number;
  readonly fallthrough: boolean;
  readonly credit: Readonly<Record<string, number>>;
  /** The processors it may run on; those of the broker unless given. */
  readonly cpus?: readonly number[];
  /** It is told when a signal stops the task. */
  readonly tellsStops: boolean;
  tell(news: News, pid: number): void;
}

export class Launcher {
  readonly rank: number;
  readonly clock: Clock;
  readonly list = new ProcessList();
  readonly #options: LauncherOptions;
  readonly #guard: Guard;
  readonly #done = new Map<Process, Promise<void>>();
  #closing = false;

  constructor(options: LauncherOptions) {
    this.#options = options;
    this.rank = options.rank;
    this.clock = options.clock;
    this.#guard = new Guard(options.spawner, options.uri, (text) => options.log("warning", text));
  }

  /**
   * Starts a task. `done` resolves when nothing comes of it any more; it rejects with ENOENT, EACCES … when it could not be
   * started. Throws EINVAL, EEXIST for a label that is taken, ESHUTDOWN when the broker is ending.
   */
  launch(launch: Launch): { process: Process; done: Promise<void> } {
    if (this.#closing) throw new FluxError("ESHUTDOWN", "the broker is shutting down");
    const { command, flags, client, background, credit, fallthrough, cpus, tellsStops, tell } = launch;
    const process = new Process(launch);
    const on = (flag: number) => (flags & flag) !== 0;
    const channels = on(ExecFlag.channel) ? command.channels : [];
    const outputs = [...on(ExecFlag.stdout) ? ["stdout"] : [], ...on(ExecFlag.stderr) ? ["stderr"] : [], ...channels];
    const hasInput = !background && streamOption(command, "stdin", "CLOSED") !== "true";
    const inputs = [...hasInput ? ["stdin"] : [], ...channels];
    const sink = (name: string) => outputs.includes(name) ? "piped" : fallthrough ? "inherit" : "null";
    const running = new Running({
      task: {
        argv: command.argv,
        ...(command.cwd !== undefined && { cwd: command.cwd }),
        env: this.#environment(command),
        stdin: hasInput ? "piped" : "null",
        stdout: sink("stdout"),
        stderr: sink("stderr"),
        channels,
        ...(cpus && { cpus }),
      },
      outputs: outputs.map((name) => ({
        name,
        credit: credit[name] ?? Infinity,
        wholeLines: streamOption(command, name, "LINE_BUFFER") !== "false",
      })),
      inputs: inputs.map((name) => ({ name, credit: inputCredit(command, name) })),
      tellsCredit: on(ExecFlag.writeCredit),
      tellsStops,
      clock: this.clock,
      spawner: this.#options.spawner,
      tell: (news) => process.hear(news),
      backlog: () => client?.isLocal ? this.#options.backlog(client.sender) : 0,
      began: (pid) => this.#guard.began(pid),
      over: (pid) => this.#guard.over(pid),
    });
    process.run = running;
    process.listeners.add((news) => tell(news, process.pid));
    this.list.add(process);
    const done = this.#see(process, running);
    void running.start();
    return { process, done };
  }

  /** Lists a process that others look after, until `ended`. */
  adopt(argv: readonly string[], pid: number, label: string, run: Run, ended: Promise<unknown>): void {
    const process = new Process({
      command: commandOf({ argv, label }),
      client: undefined,
      background: true,
      waitable: false,
    });
    process.pid = pid;
    process.run = run;
    this.list.add(process);
    void ended.finally(() => this.list.remove(process));
  }

  /** When nothing comes of a process any more; now, for one that others look after. */
  doneOf(process: Process): Promise<void> {
    return this.#done.get(process) ?? Promise.resolve();
  }

  /** Starts nothing any more, and ends what runs: it is asked to, and after `grace` milliseconds made to. */
  async shutdown(grace: number): Promise<void> {
    this.#closing = true;
    const left = () => [...this.#done.keys()];
    const gone = async (ms: number) => {
      const waited = new AbortController();
      const late = sleep(this.clock, ms, waited.signal).catch(() => {});
      await Promise.race([late, Promise.allSettled(this.#done.values())]);
      waited.abort();
    };
    if (left().length > 0) {
      for (const process of left()) for (const number of [SIGTERM, SIGCONT]) this.#signal(process, number);
      await gone(grace);
    }
    if (left().length > 0) {
      for (const process of left()) {
        this.#options.log("warning", `pid ${process.pid} (${process.command.argv[0]}) did not end in time: killed`);
        // One whose descendants only hold its streams is let go of.
        if (process.status === undefined) this.#signal(process, SIGKILL);
        else process.run?.handle({ is: "abandon" });
      }
      await gone(LAST_WAIT);
    }
    this.#guard.close();
  }

  async #see(process: Process, running: Running): Promise<void> {
    const done = running.done.catch((error) => {
      throw startFailure(error, process);
    }).finally(() => {
      this.#done.delete(process);
      this.list.over(process);
      process.over();
    });
    this.#done.set(process, done);
    done.catch(() => {});
    await done;
    const { background, waitable, command, pid, status } = process;
    if (background && !waitable && status) {
      this.#options.log("info", `pid ${pid} (${command.argv[0]}) ended with ${exitCode(status)}`);
    }
  }

  #signal(process: Process, number: number): void {
    try {
      process.signal(number);
    } catch (error) {
      if (!(error instanceof FluxError)) throw error;
    }
  }

  #environment(command: Command): Record<string, string> {
    const { uri, bin, environment } = this.#options;
    const own = Object.keys(command.env).length === 0;
    const env: Record<string, string> = { ...(own ? environment() : command.env), FLUX_URI: uri };
    for (const name of PRIVATE) delete env[name];
    if (env.PATH !== undefined && !env.PATH.split(":").includes(bin)) env.PATH = `${bin}:${env.PATH}`;
    return env;
  }
}

/** As clients know it: `error launching process: No such file or directory`, with what is at fault if it is not the program. */
function startFailure(error: unknown, process: Process): unknown {
  if (!(error instanceof FluxError) || process.pid > 0) return error;
  const plain = strerror(error.errnum);
  const text = error.message === `${process.command.argv[0]}: ${plain}` ? plain : error.message;
  return new FluxError(error.errnum, `error launching process: ${text}`, { cause: error });
}
