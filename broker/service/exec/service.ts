/** `rexec.*`: programs run by a broker for others (wire.md §3.17, RFC 42). The conversation; processes are the Launcher's. */

import { decodeIo, FluxError, ioBytes, type JsonObject } from "../../message/mod.ts";
import { integerField, type Methods, optionalInteger, optionalString, type Request, until } from "../../handle/mod.ts";
import { ExecFlag, type ExecRequest, readExecRequest } from "./command.ts";
import type { Launcher } from "./launcher.ts";
import { wireNews } from "./news.ts";
import type { Client, Process } from "./process.ts";
import { ANY_PID } from "./process_list.ts";
import type { News } from "./subprocess.ts";

export function execService(launcher: Launcher): Methods {
  return {
    "rexec.exec": (request) => {
      const exec = readExecRequest(request.payload);
      return request.isStreaming ? until(foreground(launcher, request, exec)) : background(launcher, request, exec);
    },
    "rexec.write": (request) => write(launcher, request),
    "rexec.kill": ({ payload }) => find(launcher, payload).signal(integerField(payload, "signum")),
    "rexec.list": () => ({
      rank: launcher.rank,
      procs: launcher.list.all.map(({ pid, command, state }) => ({
        pid,
        cmd: command.argv[0]!,
        label: command.label,
        state,
      })),
    }),
    "rexec.wait": (request) => wait(launcher, request),
    "rexec.attach": (request) => {
      request.requireStreaming();
      return until(attach(launcher, request));
    },
  };
}

/** Whom a request speaks for. */
export function clientOf({ sender, matchtag, message: { routes } }: Request): Client {
  return { sender, matchtag, isLocal: routes.length === 1 };
}

/** The stream of a task: it lives as long as somebody listens. */
async function foreground(launcher: Launcher, request: Request, exec: ExecRequest): Promise<void> {
  const { command, flags, fallthrough } = exec;
  const { process, done } = launcher.launch({
    command,
    client: clientOf(request),
    background: false,
    waitable: (flags & ExecFlag.waitable) !== 0,
    flags,
    fallthrough,
    credit: {},
    tellsStops: true,
    tell: (news, pid) => request.respond(wireNews(news, pid, launcher.rank)),
  });
  request.signal.addEventListener("abort", () => process.desert(), { once: true });
  await done;
}

/** Answers once it has started; from then on it depends on nobody. */
async function background(launcher: Launcher, request: Request, { command, flags, fallthrough }: ExecRequest) {
  const started = Promise.withResolvers<JsonObject>();
  const { done } = launcher.launch({
    command,
    client: { ...clientOf(request), matchtag: 0 },
    background: true,
    waitable: (flags & ExecFlag.waitable) !== 0,
    flags: flags & ~(ExecFlag.channel | ExecFlag.writeCredit),
    fallthrough,
    credit: {},
    tellsStops: true,
    tell: (news) => news.type === "started" && started.resolve({ ...news }),
  });
  done.catch((error) => started.reject(error));
  return await started.promise;
}

/** Not answered, so what is wrong with it is passed over, as what comes too late is. */
function write(launcher: Launcher, { payload, sender }: Request): void {
  const { stream, data, eof } = decodeIo(payload.io);
  const run = launcher.list.ofRequest(sender, integerField(payload, "matchtag"))?.run;
  if (data !== undefined) run?.handle({ is: "write", stream, bytes: ioBytes(data) });
  if (eof) run?.handle({ is: "write-end", stream });
}

function find(launcher: Launcher, payload: JsonObject): Process {
  return launcher.list.find(optionalInteger(payload, "pid") ?? ANY_PID, optionalString(payload, "label"));
}

async function wait(launcher: Launcher, { payload, signal }: Request) {
  const process = find(launcher, payload);
  if (!process.waitable) throw new FluxError("EINVAL", `pid ${process.pid} is not waitable`);
  if (process.awaited) throw new FluxError("ECHILD", `pid ${process.pid} is waited for already`);
  process.awaited = true;
  const aborted = Promise.withResolvers<never>();
  signal.addEventListener("abort", () => aborted.reject(signal.reason), { once: true });
  try {
    const status = await Promise.race([process.ended, aborted.promise]);
    launcher.list.remove(process);
    const output = process.kept.pieces.map((piece) =>
      wireNews({ type: "output", ...piece }, process.pid, launcher.rank)
    );
    return { status, ...(output.length > 0 && { output: output.map((news) => "io" in news ? news.io : {}) }) };
  } finally {
    process.awaited = false;
  }
}

/** What was kept of a background task's output, then all that happens to it. */
async function attach(launcher: Launcher, request: Request): Promise<void> {
  const process = find(launcher, request.payload);
  const { pid, command } = process;
  const flags = optionalInteger(request.payload, "flags") ?? ExecFlag.stdout | ExecFlag.stderr;
  const wanted = new Set<string>();
  if (flags & ExecFlag.stdout) wanted.add("stdout");
  if (flags & ExecFlag.stderr) wanted.add("stderr");
  const tell = (news: News) => {
    if (news.type === "add-credit" || (news.type === "output" && !wanted.has(news.stream))) return;
    request.respond(wireNews(news, pid, launcher.rank));
  };
  request.respond({ type: "attached", pid, cmd: command.argv[0]! });
  for (const piece of process.kept.pieces) tell({ type: "output", ...piece });
  if (process.status !== undefined) return tell({ type: "finished", status: process.status });
  process.listeners.add(tell);
  const left = Promise.withResolvers<void>();
  request.signal.addEventListener("abort", () => left.resolve(), { once: true });
  try {
    await Promise.race([launcher.doneOf(process), left.promise]);
  } finally {
    process.listeners.delete(tell);
  }
}
