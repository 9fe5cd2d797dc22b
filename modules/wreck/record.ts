/** What is kept of a job under `lwj.N` (services.md §12.2): the keys, and how to read them. */

import { FluxError, Idset, isErrno, type Json, type JsonObject } from "../../broker/message/mod.ts";
import { exitCode, signalOf } from "../../broker/ports/mod.ts";
import type { Kvs, Transaction } from "../kvs/client.ts";
import { blockKey, encodeBlock, END } from "../kz/client.ts";
import { checkLayout, placeOf, taskCount } from "./layout.ts";
import { type Ends, type JobResult, type JobSpec, type JobState, type Layout, type RankReport } from "./protocol.ts";
import { readSpec } from "./spec.ts";

/** Parts of a request that are directories of the job. */
const DIRECTORIES: ReadonlySet<string> = new Set(["options", "input", "output"]);

export function jobKey(jobid: number, ...names: (string | number)[]): string {
  return ["lwj", jobid, ...names].join(".");
}

/** `ms` since the epoch as `SEC.USEC`. */
export function timestamp(ms: number): string {
  return (ms / 1000).toFixed(6);
}

/** All that was asked for, under its own names. */
export function putRequest(transaction: Transaction, jobid: number, request: object): void {
  for (const [name, value] of Object.entries(request as JsonObject)) {
    if (value === undefined) continue;
    if (name === "tasks" && isObject(value)) putDeep(transaction, jobKey(jobid), value, 2);
    else putDeep(transaction, jobKey(jobid, name), value, DIRECTORIES.has(name) ? Infinity : 0);
  }
}

/** A state, and when it began; the first one is also when the job was created. */
export function putState(transaction: Transaction, jobid: number, state: JobState, now: number): void {
  transaction.put(jobKey(jobid, "state"), state);
  const name = state === "reserved" || state === "submitted" ? "create" : state;
  transaction.put(jobKey(jobid, `${name}-time`), timestamp(now));
}

export function putLayout(transaction: Transaction, jobid: number, layout: Layout): void {
  transaction.put(jobKey(jobid, "nnodes"), layout.ranks.length).put(jobKey(jobid, "ntasks"), taskCount(layout));
  for (const [i, rank] of layout.ranks.entries()) {
    transaction.put(jobKey(jobid, "rank", rank, "cores"), layout.cores[i]!);
  }
}

export function putPids(
  transaction: Transaction,
  jobid: number,
  { command, layout, pids }: { command: string; layout: Layout; pids: readonly number[] },
): void {
  for (const [nodeid, rank] of layout.ranks.entries()) {
    for (const task of placeOf(layout, rank)!.tasks) {
      transaction.put(jobKey(jobid, task, "procdesc"), { command, pid: pids[task] ?? 0, nodeid });
    }
  }
}

export function putStatuses(
  transaction: Transaction,
  jobid: number,
  statuses: readonly (number | undefined)[],
): void {
  for (const [task, status] of statuses.entries()) {
    if (status !== undefined) putStatus(transaction, jobid, task, status);
  }
}

export function putStatus(transaction: Transaction, jobid: number, task: number, status: number): void {
  transaction.put(jobKey(jobid, task, "exit_status"), status);
  const signal = signalOf(status);
  if (signal > 0) transaction.put(jobKey(jobid, task, "exit_sig"), signal);
  else transaction.put(jobKey(jobid, task, "exit_code"), exitCode(status));
}

/** A line of the log that rank 0 keeps of a job: a block of the stream `log.0`. */
export function putLog(transaction: Transaction, jobid: number, line: number, text: string): void {
  const block = encodeBlock({ data: new TextEncoder().encode(`${text}\n`) });
  transaction.putText(blockKey(jobKey(jobid, "log", 0), line), block);
}

/** The end of that stream: nothing more happens to the job. */
export function endLog(transaction: Transaction, jobid: number, lines: number): void {
  if (lines > 0) transaction.putText(blockKey(jobKey(jobid, "log", 0), lines), encodeBlock(END));
}

/** What is told of the end besides the state, as short as can be: most jobs end with all tasks alike, and a short value needs no blob. */
type WrittenResult = Omit<JobResult, "jobid" | "state" | "ends"> & {
  readonly ends?: readonly Ends[];
  /** That of all tasks. */
  readonly status?: number;
};

/** `ntasks`: of the whole job. */
export function putResult(transaction: Transaction, jobid: number, result: JobResult, ntasks: number): void {
  const { jobid: _, state: __, ends, ...rest } = result;
  const [only] = ends;
  const isAlike = only !== undefined && Idset.parse(only.tasks).size === ntasks;
  const written: WrittenResult = { ...rest, ...(isAlike ? { status: only.status } : ends.length > 0 && { ends }) };
  transaction.put(jobKey(jobid, "result"), written as unknown as Json);
}

/** The newest number of a job, and the first of a job that may have to be taken up when the session comes back. */
export type JobNumbers = { readonly last: number; readonly oldest: number };

const NUMBERS = "wreck.jobs";

export function putNumbers(transaction: Transaction, numbers: JobNumbers): void {
  transaction.put(NUMBERS, { ...numbers });
}

/** 0 and 1 where there was no job yet. */
export async function readNumbers(kvs: Kvs): Promise<JobNumbers> {
  return await maybe(kvs.get<JobNumbers & Json>(NUMBERS)) ?? { last: 0, oldest: 1 };
}

/** What a rank tells of its part in a job. Throws EPROTO. */
export function readReport(payload: JsonObject): RankReport {
  const { pids, statuses } = payload;
  const isList = (value: Json | undefined) => Array.isArray(value) && value.every((item) => typeof item === "number");
  if (!isList(pids) || (statuses !== undefined && !isList(statuses))) {
    throw new FluxError("EPROTO", '"pids" and "statuses" must be arrays of numbers');
  }
  return { pids: pids as number[], ...(statuses !== undefined && { statuses: statuses as number[] }) };
}

/** Throws ENOENT for a job that does not exist. */
export async function readState(kvs: Kvs, jobid: number): Promise<JobState> {
  return await kvs.get<JobState>(jobKey(jobid, "state"));
}

/** Undefined until the job has ended, in this state. */
export async function readResult(kvs: Kvs, jobid: number, state: JobState): Promise<JobResult | undefined> {
  const written = await maybe(kvs.get<WrittenResult>(jobKey(jobid, "result")));
  if (!written) return undefined;
  const { ends, status, ...rest } = written;
  if (status === undefined) return { jobid, state, ends: ends ?? [], ...rest };
  const ntasks = await kvs.get<number>(jobKey(jobid, "ntasks"));
  return { jobid, state, ends: [{ tasks: `${Idset.upTo(ntasks)}`, status }], ...rest };
}

/** A job as it stands in the KVS. */
export interface WrittenJob {
  readonly spec: JobSpec;
  /** Where it was placed already, if it was. */
  readonly layout: Layout | undefined;
  readonly cc: number | undefined;
}

/** A job whose keys somebody else may have written. Throws EINVAL for what cannot be run, ENOENT. */
export async function readJob(kvs: Kvs, jobid: number): Promise<WrittenJob> {
  const read = (name: string) => maybe(kvs.get<Json>(jobKey(jobid, name)));
  const names = ["cmdline", "environ", "cwd", "ntasks", "nnodes", "tasks-per-node", "walltime", "walltime-signal"];
  const values = await Promise.all(names.map(read));
  const request: JsonObject = Object.fromEntries(names.map((name, i) => [name, values[i]]));
  const options = await directory(kvs, jobKey(jobid, "options"));
  const settings = await Promise.all(options.map((name) => maybe(kvs.get<Json>(jobKey(jobid, "options", name)))));
  request.options = Object.fromEntries(options.map((name, i) => [name, settings[i]]));
  request.input = await tree(kvs, jobKey(jobid, "input"));
  request.output = await tree(kvs, jobKey(jobid, "output"));
  request.tasks = await readTasks(kvs, jobid);
  const cc = await read("cc");
  return {
    spec: readSpec(request),
    layout: await readLayout(kvs, jobid),
    cc: typeof cc === "number" ? cc : undefined,
  };
}

/** What single tasks have of their own, by task. */
async function readTasks(kvs: Kvs, jobid: number): Promise<JsonObject | undefined> {
  const tasks = (await directory(kvs, jobKey(jobid))).filter((name) => /^\d+$/.test(name));
  if (tasks.length === 0) return undefined;
  return Object.fromEntries(
    await Promise.all(tasks.map(async (task) => {
      const read = (name: string) => maybe(kvs.get<Json>(jobKey(jobid, task, name)));
      const [environ, cwd, cpumask] = await Promise.all(["environ", "cwd", "cpumask"].map(read));
      return [task, { environ, cwd, cpumask }] as const;
    })),
  );
}

/** Where it was placed already, if it was. Throws EINVAL for where it cannot be. */
async function readLayout(kvs: Kvs, jobid: number): Promise<Layout | undefined> {
  const ranks = (await directory(kvs, jobKey(jobid, "rank"))).map(Number).sort((a, b) => a - b);
  const read = <T>(name: string) =>
    Promise.all(ranks.map((rank) => maybe(kvs.get<T & Json>(jobKey(jobid, "rank", rank, name)))));
  const [cores, masks] = await Promise.all([read<number>("cores"), read<string>("cpumask")]);
  const chosen = [...ranks.keys()].filter((i) => Number(cores[i]) > 0);
  if (chosen.length === 0) return undefined;
  const cpumask = Object.fromEntries(chosen.flatMap((i) => masks[i] === undefined ? [] : [[ranks[i], `${masks[i]}`]]));
  return checkLayout({
    ranks: chosen.map((i) => ranks[i]!),
    cores: chosen.map((i) => Number(cores[i])),
    ...(Object.keys(cpumask).length > 0 && { cpumask }),
  });
}

async function maybe<T>(value: Promise<T>): Promise<T | undefined> {
  try {
    return await value;
  } catch (error) {
    if (isErrno(error, "ENOENT") || isErrno(error, "ENOTDIR") || isErrno(error, "EISDIR")) return undefined;
    throw error;
  }
}

async function directory(kvs: Kvs, key: string): Promise<string[]> {
  return [...await maybe(kvs.dir(key)) ?? new Map<string, unknown>()].map(([name]) => name);
}

/** Values below a key as an object; undefined when there are none. */
async function tree(kvs: Kvs, key: string): Promise<JsonObject | undefined> {
  const names = await directory(kvs, key);
  if (names.length === 0) return undefined;
  const entries = await Promise.all(names.map(async (name) => {
    const value = await maybe(kvs.get<Json>(`${key}.${name}`)) ?? await tree(kvs, `${key}.${name}`);
    return [name, value] as const;
  }));
  return Object.fromEntries(entries);
}

/** Objects as directories, so many levels of them. */
function putDeep(transaction: Transaction, key: string, value: Json, levels: number): void {
  if (levels === 0 || !isObject(value)) return void transaction.put(key, value);
  for (const [name, each] of Object.entries(value)) {
    if (each !== undefined) putDeep(transaction, `${key}.${name}`, each, levels - 1);
  }
}

function isObject(value: Json): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
