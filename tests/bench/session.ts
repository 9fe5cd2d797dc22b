/** A session of the measured executable that stays up while its benches run. */

import { type Handle, open } from "../../broker/handle/mod.ts";

export interface SessionOptions {
  readonly size: number;
  /** Fan-out of the tree. */
  readonly arity?: number;
  /** Where it keeps what is stored, made if missing; in memory unless given. */
  readonly statedir?: string;
}

/** How long a session may take to come up or to go, ms. */
const PATIENCE = 90_000;
/** The end of what a failed session wrote that is shown, characters. */
const TAIL = 600;

/** Tells where the session is, and ends it when standard input ends. */
const PROGRAM = 'echo "$FLUX_URI"; exec cat';

export class Session {
  readonly size: number;
  readonly #rundir: string;
  readonly #child: Deno.ChildProcess;
  readonly #handles: Handle[] = [];

  private constructor(size: number, rundir: string, child: Deno.ChildProcess) {
    this.size = size;
    this.#rundir = rundir;
    this.#child = child;
  }

  /** Starts one, in `work`; its standard error goes to a file there. Throws with the end of that when it does not come up. */
  static async start(flux: string, work: string, options: SessionOptions): Promise<Session> {
    const { size, arity = 2, statedir } = options;
    const log = `${work}/session.log`;
    const words = ["start", "--size", `${size}`, "--k-ary", `${arity}`];
    if (statedir !== undefined) words.push("--statedir", statedir);
    const child = new Deno.Command("sh", {
      args: ["-c", `log=$1; shift; exec "$0" "$@" sh -c '${PROGRAM}' 2>"$log"`, flux, log, ...words],
      cwd: work,
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const timer = setTimeout(() => child.kill("SIGTERM"), PATIENCE);
    const uri = await firstLine(child.stdout);
    clearTimeout(timer);
    if (uri === "") {
      const { code } = await child.status;
      const said = (await Deno.readTextFile(log)).trim().slice(-TAIL);
      throw new Error(`flux start --size ${size} ended with ${code}: ${said}`);
    }
    return new Session(size, uri.replace(/^local:\/\/(.*)\/[^/]*$/, "$1"), child);
  }

  /** Where a rank's broker listens for clients. */
  uri(rank = 0): string {
    return `local://${this.#rundir}/local-${rank}`;
  }

  /** A client of a rank's broker; closed with the session at the latest. */
  async connect(rank = 0): Promise<Handle> {
    const handle = await open(this.uri(rank));
    this.#handles.push(handle);
    return handle;
  }

  /** The process ids of the brokers, by rank. */
  brokers(): number[] {
    return Array.from(
      { length: this.size },
      (_, rank) => Number(Deno.readTextFileSync(`${this.#rundir}/broker-${rank}.pid`)),
    );
  }

  /** The processes of the session: the brokers and what started them. */
  processes(): number[] {
    return [this.#child.pid, ...this.brokers()];
  }

  async close(): Promise<void> {
    for (const handle of this.#handles) handle.close();
    const timer = setTimeout(() => this.#child.kill("SIGTERM"), PATIENCE);
    await this.#child.stdin.close();
    await this.#child.status;
    clearTimeout(timer);
  }
}

/** The first line of a stream, without its newline; what there is when it ends before. The rest is not read. */
export async function firstLine(stream: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const bytes of stream.values({ preventCancel: true })) {
    text += decoder.decode(bytes, { stream: true });
    const end = text.indexOf("\n");
    if (end >= 0) return text.slice(0, end);
  }
  return text;
}
