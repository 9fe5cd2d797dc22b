/** `cmb.exec`, `cmb.exec.signal`, `cmb.exec.write`, `cmb.processes`: tasks as the 0.1.0 tools know them (services.md §7). */

import { errnum, FluxError, fromBase64, type JsonObject } from "../../message/mod.ts";
import {
  booleanField,
  integerField,
  type Methods,
  objectField,
  optionalInteger,
  optionalString,
  type Request,
  stringsField,
} from "../../handle/mod.ts";
import { exitCode, signalOf, startStatus } from "../../ports/mod.ts";
import { commandOf, ExecFlag, texts } from "../exec/command.ts";
import type { Launcher } from "../exec/launcher.ts";
import { clientOf } from "../exec/service.ts";
import type { News } from "../exec/subprocess.ts";

const SIGTERM = 15;

export function cmbExecService(launcher: Launcher): Methods {
  return {
    "cmb.exec": (request) => exec(launcher, request),
    "cmb.exec.signal": ({ payload }) => ({
      code: refusal(() => launcher.list.find(pid(payload)).signal(optionalInteger(payload, "signum") ?? SIGTERM)),
    }),
    "cmb.exec.write": ({ payload }) => ({ code: refusal(() => write(launcher, payload)) }),
    "cmb.processes": () => ({
      rank: launcher.rank,
      procs: launcher.list.all.filter(({ state }) => state === "R").map(({ pid, command, client }) => ({
        pid,
        cmdline: command.argv,
        cwd: command.cwd ?? "",
        ...(client && { sender: client.sender }),
      })),
    }),
  };
}

/** Many answers to one request; the last of them is returned. A request without a command is answered with nothing. */
async function exec(launcher: Launcher, request: Request): Promise<JsonObject | void> {
  const { payload } = request;
  if (!Array.isArray(payload.cmdline)) return;
  const { rank } = launcher;
  /** The answer that may be the last: it waits for the next one. Only ends of streams and of the task may be. */
  let held: JsonObject | undefined;
  const send = (message: JsonObject) => request.isStreaming ? request.respond(message) : request.respondAlso(message);
  const say = (message: JsonObject, mayBeLast: boolean) => {
    if (held) send(held);
    held = mayBeLast ? message : undefined;
    if (!mayBeLast) send(message);
  };
  const cwd = optionalString(payload, "cwd");
  const command = commandOf({ argv: stringsField(payload, "cmdline"), env: texts(payload, "env"), ...cwd && { cwd } });
  const { process, done } = launcher.launch({
    command,
    client: clientOf(request),
    background: false,
    waitable: false,
    flags: ExecFlag.stdout | ExecFlag.stderr,
    fallthrough: false,
    credit: {},
    tellsStops: false,
    tell: (news, pid) => {
      const message = translate(news, rank, pid);
      if (message) say(message, news.type === "finished" || news.type === "output" && news.bytes === undefined);
    },
  });
  request.signal.addEventListener("abort", () => process.desert(), { once: true });
  try {
    await done;
  } catch (error) {
    if (!(error instanceof FluxError) || process.pid > 0) throw error;
    for (const name of ["stdout", "stderr"]) say({ type: "io", rank, pid: -1, name, eof: true }, true);
    const code = startStatus(error);
    say({ rank, pid: -1, state: "Exec Failure", status: code << 8, code, exec_errno: error.errnum }, true);
  }
  return held;
}

function translate(news: News, rank: number, pid: number): JsonObject | undefined {
  switch (news.type) {
    case "started":
      return { rank, pid, state: "Running" };
    case "output": {
      const what = news.bytes ? { data: news.bytes.toBase64() } : { eof: true };
      return { type: "io", rank, pid, name: news.stream, ...what };
    }
    case "finished": {
      const { status } = news;
      const signal = signalOf(status);
      return { rank, pid, state: "Exited", status, code: exitCode(status), ...(signal > 0 && { signal }) };
    }
    default:
      return undefined;
  }
}

function write(launcher: Launcher, payload: JsonObject): void {
  const { run } = launcher.list.find(pid(payload));
  const stdin = objectField(payload, "stdin");
  const data = optionalString(stdin, "data");
  if (data !== undefined) run?.handle({ is: "write", stream: "stdin", bytes: fromBase64(data, "stdin.data") });
  if (booleanField(stdin, "eof", false)) run?.handle({ is: "write-end", stream: "stdin" });
}

function pid(payload: JsonObject): number {
  return integerField(payload, "pid");
}

/** The error number in the answer: 0, or why nothing was done; for a pid that is not there it is EPROTO. */
function refusal(action: () => void): number {
  try {
    action();
    return 0;
  } catch (error) {
    if (!(error instanceof FluxError)) throw error;
    return error.code === "ESRCH" ? errnum("EPROTO") : error.errnum;
  }
}
