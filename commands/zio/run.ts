/** `flux zio run`: a program with its streams in the key-value store, here or on another rank. */

import { decodeIo, FluxError, ioBytes, isErrno, type JsonObject } from "../../broker/message/mod.ts";
import type { Handle } from "../../broker/handle/mod.ts";
import { exitCode, signalNumber, type TerminalSize } from "../../broker/ports/mod.ts";
import type { Kvs } from "../../modules/kvs/client.ts";
import { openKvs } from "../kvs/access.ts";
import { command, CommandError, UsageError } from "../mod.ts";
import { readSize } from "../size.ts";
import { taskInput } from "../task_input.ts";
import { Attachment } from "./attachment.ts";
import { Keeper } from "./keeper.ts";
import type { ZioOptions } from "./options.ts";

/** What a shell says of a program that is not there, and of one that cannot be run. */
const NOT_FOUND = 127, NOT_RUNNABLE = 126;
/** What is asked of `rexec`: standard error is kept. */
const STDERR = 2;

export const run = command({
  name: "run",
  summary: "Run a program with its streams in the key-value store",
  usage: ["[OPTIONS] COMMAND [ARGS...]"],
  signal: true,
  complete: "command",
  options: {
    rank: { type: "integer", arg: "N", min: 0, complete: "rank", help: "Run it on this rank, and attach to it" },
    hold: { type: "flag", help: "Do not read its output before somebody has attached" },
    size: { type: "string", arg: "COLSxROWS", help: "The size of its terminal before anybody attaches" },
  },
  async *run(context): AsyncGenerator<Uint8Array, number> {
    const { args, connect, warn, onSignal, printError } = context;
    const opts = context.opts as typeof context.opts & ZioOptions;
    if (args.length === 0) throw new UsageError("run: specify a command");
    const limit = readSize(opts.limit);
    if (limit === undefined) throw new UsageError(`'${opts.limit}' is no size: bytes, or with k, M, G behind it`);
    const handle = await connect();
    const kvs = await openKvs({ connect, opts: { namespace: undefined } });
    const rank = opts.rank ?? await handle.rank();
    const key = opts.key ?? `zio.${rank}.${Deno.pid}`;
    if (opts.rank !== undefined) {
      const terminal = context.terminal();
      const size = readTerminalSize(opts.size) ?? terminal?.size();
      await startElsewhere({ handle, kvs, key, rank, opts, argv: args, size });
      const attachment = new Attachment({ handle, kvs, key, terminal, read: taskInput(context), printError, warn });
      onSignal((signal) => attachment.signal(signal));
      return yield* attachment.run();
    }
    const keeper = new Keeper({
      handle,
      kvs,
      key,
      argv: args,
      env: Deno.env.toObject(),
      terminal: opts.pty ? readTerminalSize(opts.size) ?? { columns: 80, rows: 24 } : undefined,
      blocksize: opts.blocksize,
      limit,
      lazy: opts.lazy,
      force: opts.force,
      hold: opts.hold,
      ready: () => warn(`process attached to ${key}`),
      debug: (text) => opts.debug && warn(text),
    });
    onSignal((signal) => keeper.signal(signalNumber(signal)!));
    try {
      return exitCode(await keeper.run());
    } catch (error) {
      throw explained(error, key);
    }
  },
});

function readTerminalSize(text: string | undefined): TerminalSize | undefined {
  if (text === undefined) return undefined;
  const [, columns, rows] = /^(\d{1,5})x(\d{1,5})$/.exec(text) ?? [];
  if (!(Number(columns) > 0 && Number(rows) > 0)) throw new UsageError(`'${text}' is no size: COLSxROWS`);
  return { columns: Number(columns), rows: Number(rows) };
}

function explained(error: unknown, key: string): unknown {
  if (!(error instanceof FluxError)) return error;
  const { message: text, code } = error;
  if (text.startsWith(`${key}: `)) return new CommandError(text, { hint: "--force replaces it", cause: error });
  const status = code === "ENOENT" ? NOT_FOUND : code === "EACCES" ? NOT_RUNNABLE : 1;
  return new CommandError(text, { status, cause: error });
}

interface Elsewhere {
  readonly handle: Handle;
  readonly kvs: Kvs;
  readonly key: string;
  readonly rank: number;
  readonly opts: ZioOptions;
  readonly argv: readonly string[];
  readonly size: TerminalSize | undefined;
}

/** Starts this command on another rank, where it outlives us; resolves when its program can be attached to. */
async function startElsewhere({ handle, kvs, key, rank, opts, argv, size }: Elsewhere): Promise<void> {
  const { pty, debug, force, lazy, blocksize, limit } = opts;
  const flags = Object.entries({ pty, debug, force, lazy }).flatMap(([name, on]) => on ? [`--${name}`] : []);
  const where = [
    `--key=${key}`,
    `--blocksize=${blocksize}`,
    `--limit=${limit}`,
    ...size ? [`--size=${size.columns}x${size.rows}`] : [],
  ];
  const cmd = {
    cmdline: ["flux", "zio", "run", "--hold", ...flags, ...where, "--", ...argv],
    cwd: Deno.cwd(),
    env: Deno.env.toObject(),
    opts: {},
    channels: [],
    msgchan: [],
  };
  const stop = new AbortController();
  const { signal } = stop;
  try {
    if (!force && await kvs.exists(key)) throw new CommandError(`${key}: File exists`, { hint: "--force replaces it" });
    const { pid } = await handle.rpc<{ pid: number }>("rexec.exec", { cmd, flags: STDERR, local_flags: 0 }, { rank });
    const begun = async () => {
      for await (const _ of kvs.watch(`${key}.live`, { waitcreate: true, signal })) return;
    };
    await Promise.race([begun(), failure(handle, rank, pid, signal)]);
  } catch (error) {
    if (isErrno(error, "EHOSTUNREACH")) throw new CommandError(`rank ${rank}: ${error.message}`, { cause: error });
    throw error;
  } finally {
    stop.abort(new FluxError("ECANCELED"));
  }
}

/** Rejects with what it said when it has ended. */
async function failure(handle: Handle, rank: number, pid: number, signal: AbortSignal): Promise<never> {
  let said = "";
  let status = 0;
  const utf8 = new TextDecoder();
  for await (const news of handle.stream<JsonObject>("rexec.attach", { pid, flags: STDERR }, { rank, signal })) {
    if (news.type === "finished") status = Number(news.status);
    if (news.type !== "output") continue;
    const { data } = decodeIo(news.io);
    if (data !== undefined) said += utf8.decode(ioBytes(data));
  }
  const [text = "", hint] = said.trim().replace(/^flux-zio: /, "").split("\nhint: ");
  throw new CommandError(text || "it ended at once", { status: exitCode(status) || 1, ...hint && { hint } });
}
