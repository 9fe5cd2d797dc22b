/** What `rexec.exec` is asked for: a command, its streams, its flags (wire.md §3.17). */

import { FluxError, type JsonObject } from "../../message/mod.ts";
import { integerField, objectField, optionalInteger, optionalString, stringsField } from "../../handle/mod.ts";

/** The bits of `flags`. */
export const ExecFlag = { stdout: 1, stderr: 2, channel: 4, writeCredit: 8, waitable: 16 } as const;
/** The bit of `local_flags` that leaves the streams of the broker to the task. The others have no meaning here. */
const FALLTHROUGH = 1;

/** What may be written to a task before it has read any, bytes. */
export const INPUT_CREDIT = 4 << 20;

export interface Command {
  readonly argv: readonly string[];
  readonly cwd: string | undefined;
  /** Empty: that of the broker. */
  readonly env: Readonly<Record<string, string>>;
  readonly opts: Readonly<Record<string, string>>;
  /** Names of streams both ways besides the standard ones; the task finds their descriptors in variables of that name. */
  readonly channels: readonly string[];
  readonly label: string;
}

export interface ExecRequest {
  readonly command: Command;
  readonly flags: number;
  /** The task has the broker's own standard output and error. */
  readonly fallthrough: boolean;
  /** Bytes of each output stream that may come before more credit is given, on many ranks; without it there is no limit. */
  readonly credit: Readonly<Record<string, number>>;
}

/** Throws EPROTO for a request that is none, EINVAL for a command that cannot be one. */
export function readExecRequest(payload: JsonObject): ExecRequest {
  return {
    command: readCommand(objectField(payload, "cmd")),
    flags: integerField(payload, "flags"),
    fallthrough: ((optionalInteger(payload, "local_flags") ?? 0) & FALLTHROUGH) !== 0,
    credit: payload.credit === undefined ? {} : numbers(payload, "credit"),
  };
}

/** A command of its parts. Throws EINVAL for a text with a NUL in it, and for one without any words. */
export function commandOf(parts: Partial<Command> & Pick<Command, "argv">): Command {
  const { argv, cwd, env = {}, opts = {}, channels = [], label = "" } = parts;
  if (argv.length === 0) throw new FluxError("EINVAL", "the command is empty");
  const texts = [...argv, cwd ?? "", ...Object.entries(env).flat(), ...channels];
  if (texts.some((text) => text.includes("\0"))) throw new FluxError("EINVAL", "the command has a NUL in it");
  return { argv, cwd, env, opts, channels, label };
}

/** What a stream's option says: `stdout_LINE_BUFFER`, `stdin_BUFSIZE`, and `stdin_CLOSED` for a task that gets no input. */
export function streamOption(
  { opts }: Command,
  stream: string,
  name: "LINE_BUFFER" | "BUFSIZE" | "CLOSED",
): string | undefined {
  return opts[`${stream}_${name}`];
}

/** The credit for writing to a stream, bytes. Throws EINVAL for a size that is none. */
export function inputCredit(command: Command, stream: string): number {
  const text = streamOption(command, stream, "BUFSIZE");
  if (text === undefined) return INPUT_CREDIT;
  const parts = /^(\d+)([kKmM]?)$/.exec(text);
  const size = Number(parts?.[1]) * ({ "": 1, k: 1 << 10, m: 1 << 20 }[parts?.[2]?.toLowerCase() ?? ""] ?? 1);
  if (!(size > 0)) throw new FluxError("EINVAL", `${stream}_BUFSIZE: "${text}" is no size`);
  return Math.min(size, INPUT_CREDIT);
}

/** A map of texts in a request. Throws EPROTO. */
export function texts(payload: JsonObject, name: string): Record<string, string> {
  if (payload[name] === undefined || payload[name] === null) return {};
  const map = objectField(payload, name);
  for (const [key, value] of Object.entries(map)) {
    if (typeof value !== "string") throw new FluxError("EPROTO", `"${name}.${key}" must be a string`);
  }
  return map as Record<string, string>;
}

/** A map of positive integers in a request. Throws EPROTO. */
export function numbers(payload: JsonObject, name: string): Record<string, number> {
  const map = objectField(payload, name);
  for (const key of Object.keys(map)) {
    if (integerField(map, key) < 0) throw new FluxError("EPROTO", `"${name}.${key}" must not be negative`);
  }
  return map as Record<string, number>;
}

function readCommand(cmd: JsonObject): Command {
  return commandOf({
    argv: stringsField(cmd, "cmdline"),
    cwd: optionalString(cmd, "cwd"),
    env: texts(cmd, "env"),
    opts: texts(cmd, "opts"),
    channels: stringsField(cmd, "channels", []),
    label: optionalString(cmd, "label") ?? "",
  });
}
