/** What tests of a session that loses brokers ask of it. */

import { fail } from "node:assert";
import { type Session, until } from "./session.ts";

/** A heartbeat short enough that silence is noticed soon. */
export const BEAT: readonly string[] = ["-o", "-H0.2"];

/** What `flux up` says, by state. */
export async function states(session: Session): Promise<Record<string, string>> {
  const { stdout, stderr } = await session.flux(["up", "--json"]);
  if (stdout === "") fail(`flux up: ${stderr}`);
  const { ok, slow, fail: failed, unknown } = JSON.parse(stdout);
  return { ok, slow, fail: failed, unknown };
}

/** Whether these ranks all answer a ping from rank 0. */
export async function answer(session: Session, ranks: readonly number[]): Promise<boolean> {
  const pings = ranks.map((rank) => session.flux(["ping", "-c", "1", "-t", "2", `${rank}`]));
  return (await Promise.all(pings)).every(({ code }) => code === 0);
}

/** Waits until rank 0 declares just these ranks to have failed, and all others to be ok. */
export async function settled(session: Session, failed: string): Promise<void> {
  let last: unknown;
  try {
    await until(`fail is ${failed || "nobody"}`, async () => {
      const { slow, fail, unknown } = last = await states(session) as Record<string, string>;
      return fail === failed && slow === "" && unknown === "";
    }, 30_000);
  } catch (error) {
    throw new Error(`${(error as Error).message}: ${JSON.stringify(last)}\n${session.log}`);
  }
}
