/** `job.*`, at rank 0: what clients ask for. A request from another rank climbs the tree to it. */

import {
  type Event,
  idsetField,
  integerField,
  type Methods,
  optionalInteger,
  Queue,
  type Request,
  stringField,
} from "../../broker/handle/mod.ts";
import { FluxError, isErrno, type JsonObject } from "../../broker/message/mod.ts";
import type { Manager } from "./manager.ts";
import { type JobNews } from "./protocol.ts";
import { readResult, readState } from "./record.ts";
import { readSpec, requestedSignal } from "./spec.ts";

const SIGKILL = 9, SIGTERM = 15;
/** The most jobs of one request. */
const COPIES = 100_000;

export function jobMethods(manager: Manager): Methods {
  return {
    "job.create": async ({ payload }) => ({ jobid: await manager.create(payload), state: "reserved" }),
    "job.run": (request) => run(manager, request),
    "job.submit": ({ payload }) => submit(manager, payload),
    "job.queue": () => ({
      waiting: manager.scheduler.queue.length,
      jobs: manager.size,
      cores: manager.scheduler.queue.cores,
    }),
    "job.follow": (request) => follow(manager, request),
    "job.wait": (request) => wait(manager, request),
    "job.kill": ({ payload }) => kill(manager, payload),
    "wreck.abort": ({ payload }) => abort(manager, payload),
    "wreck.pmi-left": ({ payload }) =>
      manager.left(
        integerField(payload, "jobid"),
        integerField(payload, "rank"),
        integerField(payload, "task"),
        optionalInteger(payload, "status"),
      ),
    "wreck.task-exit": ({ payload }) =>
      manager.taskExit(integerField(payload, "jobid"), integerField(payload, "task"), integerField(payload, "status")),
    "wreck.hello": ({ payload }) =>
      manager.hello(integerField(payload, "rank"), integerField(payload, "cores"), stringField(payload, "instance")),
  };
}

/** What tools that know the events only ask for: `wrexec.run.N` runs a job that was made, `wreck.N.kill {"signal":i}` signals it. */
export function heardEvent(manager: Manager, event: Event): void {
  const [, run] = /^wrexec\.run\.(\d+)$/.exec(event.topic) ?? [];
  if (run !== undefined) void manager.runCreated(Number(run));
  const [, killed] = /^wreck\.(\d+)\.kill$/.exec(event.topic) ?? [];
  const job = killed === undefined ? undefined : manager.get(Number(killed));
  if (!job) return;
  try {
    manager.tell(job, { is: "signal", number: requestedSignal(event.payload, SIGKILL) });
  } catch (error) {
    if (!(error instanceof FluxError)) throw error;
    manager.complain(`${event.topic}: ${error.message}`);
  }
}

/** Streams {@link JobNews}, the number first, to the end of the job, which does not depend on who listens. */
async function* run(manager: Manager, request: Request): AsyncGenerator<JobNews, void> {
  request.requireStreaming();
  const news = new Queue<JobNews>();
  request.signal.addEventListener("abort", () => news.end(), { once: true });
  let attached = {};
  const attach = (jobid: number) => attached = manager.io.attach(jobid, request);
  const jobid = await manager.run(readSpec(request.payload), (one) => heard(news, one), attach);
  yield { jobid, state: "reserved", layout: manager.get(jobid)?.layout ?? { ranks: [], cores: [] }, ...attached };
  yield* news;
}

/**
 * `{…spec, "cc"?:IDSET}`: a job for each of the set, which has its number in FLUX_JOB_CC, that waits for its turn. Answered with the first
 * one's number and how many there are, when they are recorded; the numbers have no gaps.
 */
async function submit(manager: Manager, payload: JsonObject): Promise<JsonObject> {
  const cc = payload.cc === undefined ? undefined : [...idsetField(payload, "cc")];
  if (cc && (cc.length < 1 || cc.length > COPIES)) {
    throw new FluxError("EINVAL", `"cc" must name 1 to ${COPIES} jobs, not ${cc.length}`);
  }
  const jobid = await manager.submit(readSpec(payload), cc ?? [undefined]);
  return { jobid, count: cc?.length ?? 1, state: "submitted" };
}

/** The same for a job that is there: its state now, then those that follow. Throws ENOENT. */
async function* follow(manager: Manager, request: Request): AsyncGenerator<JobNews, void> {
  request.requireStreaming();
  const jobid = integerField(request.payload, "jobid");
  const news = new Queue<JobNews>();
  request.signal.addEventListener("abort", () => news.end(), { once: true });
  const listener = (one: JobNews) => heard(news, one);
  await manager.find(jobid);
  using following = manager.follow(jobid, listener);
  const job = manager.get(jobid);
  const now: JobNews = job ? { jobid, state: job.announced } : await ended(manager, jobid);
  yield { ...now, ...(now.result ? {} : manager.io.attach(jobid, request)) };
  // One that is reserved will be run by whoever made it.
  if (following && (job || now.state === "reserved")) yield* news;
}

/** Streams the result of each of `jobids` once it has ended, in the order they end. Throws ENOENT for one that does not exist. */
async function* wait(manager: Manager, request: Request): AsyncGenerator<JobNews, void> {
  request.requireStreaming();
  const jobids = idsetField(request.payload, "jobids");
  const news = new Queue<JobNews>();
  request.signal.addEventListener("abort", () => news.end(), { once: true });
  const listener = (one: JobNews) => one.result && news.push(one);
  await manager.find(jobids.first() ?? 0);
  const live = new Set([...jobids].filter((jobid) => manager.get(jobid)?.followers.add(listener)));
  try {
    let left = live.size;
    for (const jobid of jobids) if (!live.has(jobid)) yield await ended(manager, jobid);
    while (left-- > 0) {
      const { value, done } = await news.next();
      if (done) return;
      yield value;
    }
  } finally {
    for (const jobid of live) manager.get(jobid)?.followers.delete(listener);
  }
}

function heard(news: Queue<JobNews>, one: JobNews): void {
  news.push(one);
  if (one.result) news.end();
}

/** What is known of a job that does not run. */
async function ended(manager: Manager, jobid: number): Promise<JobNews> {
  const state = await stateOf(manager, jobid);
  const result = await readResult(manager.kvs, jobid, state);
  return { jobid, state, ...(result && { result }) };
}

/** Signals all tasks of a job. Throws ENOENT, and ESRCH with its state as text for one that does not run. */
async function kill(manager: Manager, payload: JsonObject): Promise<void> {
  const jobid = integerField(payload, "jobid");
  const signal = requestedSignal(payload, SIGTERM);
  if (!await manager.find(jobid)) throw new FluxError("ESRCH", `Job ${jobid}: ${await stateOf(manager, jobid)}`);
  manager.publishKill(jobid, signal);
}

function abort(manager: Manager, payload: JsonObject): void {
  const job = manager.get(integerField(payload, "jobid"));
  if (!job) return;
  manager.tell(job, { is: "abort", code: integerField(payload, "code"), reason: stringField(payload, "reason") });
}

async function stateOf(manager: Manager, jobid: number): Promise<JobNews["state"]> {
  try {
    return manager.get(jobid)?.state ?? await readState(manager.kvs, jobid);
  } catch (error) {
    if (isErrno(error, "ENOENT") || isErrno(error, "ENOTDIR")) {
      throw new FluxError("ENOENT", `Job ${jobid}: No such file or directory`);
    }
    throw error;
  }
}
