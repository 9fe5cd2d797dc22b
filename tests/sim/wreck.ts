import { type SimSession, simSession, type SimSessionOptions } from "./session.ts";

/** A session that runs jobs. */
export function jobSession(options: SimSessionOptions): Promise<SimSession> {
  return simSession({ modules: ["content", "kvs", "live", "wreck"], ...options });
}

/** Processes on all hosts that live. */
export function runningTasks(session: SimSession): number {
  return session.spawners.reduce((sum, { running }, rank) => sum + (session.isAlive(rank) ? running.size : 0), 0);
}

/** No task is left, and no broker knows of one. */
export function isIdle(session: SimSession): boolean {
  return runningTasks(session) === 0 &&
    session.brokers.every(({ launcher }, rank) => !session.isAlive(rank) || launcher.list.all.length === 0);
}
