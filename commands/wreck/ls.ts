/** `flux wreck ls`: the jobs of the session. */

import { Idset, isErrno, type Json } from "../../broker/message/mod.ts";
import { systemClock } from "../../broker/ports/mod.ts";
import type { Handle } from "../../broker/handle/mod.ts";
import { PRIMARY } from "../../modules/kvs/protocol.ts";
import { Kvs } from "../../modules/kvs/client.ts";
import { type TreeObject, valBytes } from "../../modules/kvs/tree/treeobj.ts";
import { jobKey } from "../../modules/wreck/record.ts";
import { command } from "../mod.ts";
import { readableDuration } from "./duration.ts";
import { noArguments, openSession } from "./jobs.ts";

/** Jobs that are read at the same time. */
const AHEAD = 64;
const HEADER = ["ID", "NTASKS", "STATE", "START", "RUNTIME", "RANKS", "COMMAND"];

interface Row {
  readonly jobid: number;
  readonly ntasks: number;
  readonly state: string;
  /** Seconds since the epoch; undefined before it has started. */
  readonly start?: number;
  /** Seconds, so far if it has not ended. */
  readonly runtime?: number;
  /** An idset. */
  readonly ranks: string;
  readonly command: string;
}

export const ls = command({
  name: "ls",
  summary: "List the jobs of the session",
  usage: ["[OPTIONS]"],
  json: "array",
  options: {
    newest: { short: "n", type: "integer", arg: "N", min: 1, help: "Only the N newest (default: all)" },
  },
  async *run(context): AsyncGenerator<Row | null, void> {
    noArguments(context);
    const kvs = await freshKvs(await openSession(context));
    const jobids = await listJobs(kvs);
    const wanted = context.opts.newest === undefined ? jobids : jobids.slice(-context.opts.newest);
    if (!context.json) yield null;
    for (let at = 0; at < wanted.length; at += AHEAD) {
      const rows = await Promise.all(wanted.slice(at, at + AHEAD).map((jobid) => readRow(kvs, jobid)));
      for (const row of rows) if (row) yield row;
    }
  },
  human: (row) => row ? format(cells(row)) : format(HEADER),
});

/** The store, as new on this rank as it was at rank 0 when it was asked. */
async function freshKvs(handle: Handle): Promise<Kvs> {
  const kvs = new Kvs(handle);
  const { rootseq } = await handle.rpc<{ rootseq: number }>("kvs.getroot", { namespace: PRIMARY, flags: 0 }, {
    rank: 0,
  });
  await kvs.waitVersion(rootseq);
  return kvs;
}

async function listJobs(kvs: Kvs): Promise<number[]> {
  try {
    const names = [...(await kvs.dir("lwj")).keys()];
    return names.filter((name) => /^\d+$/.test(name)).map(Number).sort((a, b) => a - b);
  } catch (error) {
    if (isErrno(error, "ENOENT")) return [];
    throw error;
  }
}

/** Undefined for one that was removed meanwhile. */
async function readRow(kvs: Kvs, jobid: number): Promise<Row | undefined> {
  let entries: Map<string, TreeObject>;
  try {
    entries = await kvs.dir(jobKey(jobid));
  } catch (error) {
    if (isErrno(error, "ENOENT") || isErrno(error, "ENOTDIR")) return undefined;
    throw error;
  }
  const read = async (name: string): Promise<Json | undefined> => {
    const entry = entries.get(name);
    if (!entry) return undefined;
    if (entry.type !== "val") return await kvs.get(jobKey(jobid, name));
    return JSON.parse(new TextDecoder().decode(valBytes(entry)));
  };
  const [state, ntasks, cmdline, start, ...ends] = await Promise.all(
    ["state", "ntasks", "cmdline", "starting-time", "complete-time", "failed-time"].map(read),
  );
  const end = ends.find((time) => time !== undefined);
  const ranks = entries.has("rank") ? [...(await kvs.dir(jobKey(jobid, "rank"))).keys()].map(Number) : [];
  const [program = ""] = Array.isArray(cmdline) ? cmdline : [];
  return {
    jobid,
    ntasks: Number(ntasks ?? 0),
    state: `${state ?? "unknown"}`,
    ...(start !== undefined && {
      start: Number(start),
      runtime: microseconds((end === undefined ? systemClock.wall() / 1000 : Number(end)) - Number(start)),
    }),
    ranks: `${new Idset(ranks)}`,
    command: `${program}`,
  };
}

/** Seconds to the microsecond: times are kept so. */
function microseconds(seconds: number): number {
  return Math.round(seconds * 1e6) / 1e6;
}

function cells({ jobid, ntasks, state, start, runtime, ranks, command }: Row): string[] {
  return [
    `${jobid}`,
    `${ntasks}`,
    state,
    start === undefined ? "-" : localTime(start),
    runtime === undefined ? "-" : readableDuration(runtime * 1000),
    Idset.parse(ranks).toNodeset(),
    command.slice(command.lastIndexOf("/") + 1),
  ];
}

/** As `%6s %6s %-9s %20s %12s %8s %-.13s` has them. */
function format([jobid, ntasks, state, start, runtime, ranks, command]: readonly string[]): string {
  return [
    jobid!.padStart(6),
    ntasks!.padStart(6),
    state!.padEnd(9),
    start!.padStart(20),
    runtime!.padStart(12),
    ranks!.padStart(8),
    command!.slice(0, 13),
  ].join(" ");
}

/** `2026-11-29T14:39:58`, in local time. */
function localTime(seconds: number): string {
  const time = new Date(seconds * 1000);
  const two = (value: number) => `${value}`.padStart(2, "0");
  const day = [time.getFullYear(), time.getMonth() + 1, time.getDate()].map(two).join("-");
  return `${day}T${[time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(":")}`;
}
