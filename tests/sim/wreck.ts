import { type SimSession, simSession, type SimSessionOptions } from "./session.ts";

/** A session that runs jobs. */
export function jobSession(options: SimSessionOptions): Promise<SimSession> {
  return simSession({ modules: ["content", "kvs", "wreck"], ...options });
}
