/** The door to tasks that modules have: the broker's launcher, without a client and without messages. */

import type { HostedTask, Tasks, TaskStart } from "../../handle/mod.ts";
import { FluxError } from "../../message/mod.ts";
import { commandOf, ExecFlag } from "./command.ts";
import type { Launcher } from "./launcher.ts";

/** Standard output and error are read, and channels if there are any; what may be written is told. */
const FLAGS = ExecFlag.stdout | ExecFlag.stderr | ExecFlag.channel | ExecFlag.writeCredit;

export function moduleTasks(launcher: Launcher): Tasks {
  return { start: (task) => start(launcher, task) };
}

function start(launcher: Launcher, task: TaskStart): HostedTask {
  const { argv, cwd, env, input, credit = Infinity, wholeLines, channels = [], cpus, hear } = task;
  const streams = ["stdout", "stderr", ...channels];
  const opts = {
    ...(!input && { stdin_CLOSED: "true" }),
    ...(!wholeLines && Object.fromEntries(streams.map((name) => [`${name}_LINE_BUFFER`, "false"]))),
  };
  const { process, done } = launcher.launch({
    command: commandOf({ argv, env, opts, channels, ...(cwd !== undefined && { cwd }) }),
    client: undefined,
    background: false,
    waitable: false,
    flags: FLAGS,
    fallthrough: false,
    credit: { stdout: credit, stderr: credit },
    ...(cpus && { cpus }),
    tellsStops: false,
    tell: (news) => news.type !== "stopped" && hear(news),
  });
  return {
    get pid() {
      return process.pid;
    },
    done: done.catch(explain),
    signal: (number) => process.signal(number),
    write: (stream, bytes) => process.run?.handle({ is: "write", stream, bytes }),
    end: (stream) => process.run?.handle({ is: "write-end", stream }),
    grant: (stream, bytes) => process.run?.handle({ is: "credit", stream, bytes }),
    drop: (stream) => process.run?.handle({ is: "unwanted", stream }),
    abandon: () => process.run?.handle({ is: "abandon" }),
  };
}

/** Clients are told `error launching process: …`; a module hears what it was. */
function explain(error: unknown): never {
  throw error instanceof FluxError && error.cause instanceof FluxError ? error.cause : error;
}
