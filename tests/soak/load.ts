/** What a load of the soak is given, and the tools it uses. */

import type { Handle } from "../../broker/handle/mod.ts";
import type { Random } from "../../broker/ports/mod.ts";
import type { Session } from "../session/session.ts";

export interface LoadContext {
  readonly session: Session;
  readonly size: number;
  readonly random: Random;
  /** A handle to a rank, closed at the end of the soak. */
  connect(rank: number): Promise<Handle>;
  readonly deadline: AbortSignal;
  /** One unit of work was done and found right. */
  done(): void;
}

/** Runs until the deadline, and throws at the first thing amiss. */
export type Load = (context: LoadContext) => Promise<void>;

/** No request may take longer, ms: it would count as unanswered. */
export const PATIENCE = 20_000;

/** What `promise` resolves to; after the patience of a request it counts as lost. */
export async function soon<T>(promise: Promise<T>, what: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not come within ${PATIENCE / 1000} s`)), PATIENCE);
  });
  return await Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** A whole number in [0, limit). */
export function pick(random: Random, limit: number): number {
  return Math.floor(random.float() * limit);
}
