/** A child in a session of its own, with pipes to us. */

import { type Pipe, pipeFromChild, pipeToChild } from "./pipes.ts";
import { posixSpawn } from "./posix_spawn.ts";
import type { Child, TaskOptions } from "./spawner.ts";

const DESCRIPTOR = { stdout: 1, stderr: 2 };

/** Throws the errno of what failed; EMFILE when there are no descriptors left. */
export function posixChild(options: Omit<TaskOptions, "channels" | "cpus">): Omit<Child, "kill"> {
  const { argv, cwd, env } = options;
  const pipes: Pipe<unknown>[] = [];
  const keep = <P extends Pipe<unknown>>(pipe: P): P => {
    pipes.push(pipe);
    return pipe;
  };
  const output = (name: "stdout" | "stderr") => options[name] === "piped" ? keep(pipeFromChild()) : null;
  const inherited = (name: "stdout" | "stderr") => options[name] === "inherit" ? DESCRIPTOR[name] : null;
  try {
    const stdin = options.stdin === "piped" ? keep(pipeToChild()) : null;
    const stdout = output("stdout"), stderr = output("stderr");
    const stdio = [stdin?.fd ?? null, stdout?.fd ?? inherited("stdout"), stderr?.fd ?? inherited("stderr")];
    const { pid, status } = posixSpawn({ argv, cwd, env, stdio });
    const streams = { stdin: stdin?.stream ?? null, stdout: stdout?.stream ?? null, stderr: stderr?.stream ?? null };
    return { pid, status, ...streams };
  } catch (error) {
    for (const pipe of pipes) pipe.abandon();
    throw error;
  } finally {
    for (const pipe of pipes) pipe.release();
  }
}
