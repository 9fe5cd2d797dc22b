/** What a job is asked for as it comes in a request, or as it stands in the KVS. Pure. */

import { integerField, objectField, optionalInteger, optionalString, stringsField } from "../../broker/handle/mod.ts";
import { FluxError, type JsonObject } from "../../broker/message/mod.ts";
import { signalNumber } from "../../broker/ports/mod.ts";
import { cpusOf, TASKS } from "./layout.ts";
import type { JobSpec, TaskSpec } from "./protocol.ts";

/** Throws EPROTO for a field of a wrong type, EINVAL for a value that cannot be; both name it. */
export function readSpec(payload: JsonObject): JobSpec {
  const cmdline = stringsField(payload, "cmdline");
  if (cmdline.length === 0) throw new FluxError("EINVAL", `"cmdline" is empty`);
  const environ = readEnviron(payload);
  const cwd = optionalString(payload, "cwd");
  const ntasks = payload.ntasks === undefined || payload.ntasks === null ? 1 : integerField(payload, "ntasks");
  const counts = {
    ntasks,
    nnodes: optionalInteger(payload, "nnodes"),
    each: optionalInteger(payload, "tasks-per-node"),
  };
  for (const count of Object.values(counts)) {
    if (count !== undefined && (count < 1 || count > TASKS)) {
      throw new FluxError("EINVAL", `${count} is no number of tasks: there may be 1 to ${TASKS}`);
    }
  }
  const walltime = payload.walltime ?? 0;
  if (typeof walltime !== "number" || !(walltime >= 0)) throw new FluxError("EPROTO", `"walltime" must be seconds`);
  return {
    cmdline,
    environ: environ ?? {},
    ...(cwd !== undefined && { cwd }),
    ntasks,
    ...(counts.nnodes !== undefined && { nnodes: counts.nnodes }),
    ...(counts.each !== undefined && { "tasks-per-node": counts.each }),
    walltime,
    ...readSignal(payload),
    options: readOptions(payload),
    ...(payload.input !== undefined && payload.input !== null && { input: objectField(payload, "input") }),
    ...readOutput(payload),
    ...readTasks(payload),
  };
}

function readEnviron(payload: JsonObject): Record<string, string> | undefined {
  if (payload.environ === undefined || payload.environ === null) return undefined;
  const environ = objectField(payload, "environ");
  for (const [name, value] of Object.entries(environ)) {
    if (typeof value !== "string") throw new FluxError("EPROTO", `"environ.${name}" must be a string`);
  }
  return environ as Record<string, string>;
}

function readOutput(payload: JsonObject): Pick<JobSpec, "output"> {
  if (payload.output === undefined || payload.output === null) return {};
  const output = objectField(payload, "output");
  if (output.files !== undefined) {
    for (const [name, file] of Object.entries(objectField(output, "files"))) {
      if (typeof file !== "string") throw new FluxError("EPROTO", `"output.files.${name}" must be a string`);
    }
  }
  return { output };
}

function readTasks(payload: JsonObject): Pick<JobSpec, "tasks"> {
  if (payload.tasks === undefined || payload.tasks === null) return {};
  const tasks: Record<string, TaskSpec> = {};
  for (const task of Object.keys(objectField(payload, "tasks"))) {
    if (!/^\d+$/.test(task)) throw new FluxError("EPROTO", `"tasks.${task}" is no task`);
    const own = objectField(payload.tasks as JsonObject, task);
    const [environ, cwd, cpumask] = [readEnviron(own), optionalString(own, "cwd"), optionalString(own, "cpumask")];
    if (cpumask !== undefined) cpusOf(cpumask);
    tasks[task] = {
      ...(environ && { environ }),
      ...(cwd !== undefined && { cwd }),
      ...(cpumask !== undefined && { cpumask }),
    };
  }
  return { tasks };
}

/** The number of the signal at the end of a job's time; undefined for the usual one. */
export function walltimeSignal({ "walltime-signal": signal }: JobSpec): number | undefined {
  return signal === undefined ? undefined : signalNumber(`${signal}`);
}

/** The signal of a request, `usual` without one. Throws EINVAL for what is none. */
export function requestedSignal(payload: JsonObject, usual?: number): number {
  const number = optionalInteger(payload, "signal") ?? usual ?? integerField(payload, "signal");
  if (number < 1 || number > 64) throw new FluxError("EINVAL", `Invalid signal '${number}'`);
  return number;
}

function readSignal({ "walltime-signal": signal }: JsonObject): Pick<JobSpec, "walltime-signal"> {
  if (signal === undefined || signal === null) return {};
  if ((typeof signal !== "string" && typeof signal !== "number") || signalNumber(`${signal}`) === undefined) {
    throw new FluxError("EINVAL", `"walltime-signal": ${JSON.stringify(signal)} is no signal`);
  }
  return { "walltime-signal": signal };
}

function readOptions(payload: JsonObject): Record<string, number> {
  if (payload.options === undefined || payload.options === null) return {};
  const options = objectField(payload, "options");
  return Object.fromEntries(
    Object.entries(options).filter(([, value]) => value).map((
      [name, value],
    ) => [name, typeof value === "number" ? value : 1]),
  );
}
