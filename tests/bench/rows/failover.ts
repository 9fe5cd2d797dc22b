/** How long the ranks below a dead broker are out of reach. */

import type { Handle } from "../../../broker/handle/mod.ts";
import { FluxError } from "../../../broker/message/mod.ts";
import type { Bench } from "../bench.ts";
import { figure } from "../figure.ts";

/** The interior broker that dies, and who is below it in a binary tree. */
const VICTIM = 1, ORPHANS = [3, 4];
const ROUNDS = 5;

/** From `kill -9` until each orphan answers a ping from rank 0 again; then the rank is brought back for the next round. */
export const failovers: readonly Bench[] = [8, 64].map((size) => ({
  name: `failover.${size}`,
  async *run({ session, large, times }) {
    if (size > large) return;
    const running = await session({ size }), flux = await running.connect();
    const samples: number[] = [];
    for (let round = times(ROUNDS); round > 0; round--) {
      const start = performance.now();
      Deno.kill(running.brokers()[VICTIM]!, "SIGKILL");
      // An answer that was under way when the broker died is none.
      await until(flux, 0, (children) => children.get(VICTIM) === "lost");
      for (const rank of ORPHANS) await untilAnswered(flux, rank);
      samples.push(performance.now() - start);
      await flux.rpc("overlay.restart", { rank: VICTIM }, { rank: 0 });
      flux.publish("live.recover", {});
      await until(flux, VICTIM, (children) => ORPHANS.every((rank) => children.get(rank) === "full"));
    }
    yield figure(`failover.${size}`, "ms", samples);
  },
}));

/** Asks a rank for its children until they are as they should be. */
async function until(flux: Handle, rank: number, holds: (children: Map<number, string>) => boolean): Promise<void> {
  for (;;) {
    const { children } = await flux.rpc<{ children: { rank: number; status: string }[] }>("overlay.health", {}, {
      rank,
    });
    if (holds(new Map(children.map((child) => [child.rank, child.status])))) return;
  }
}

async function untilAnswered(flux: Handle, rank: number): Promise<void> {
  for (;;) {
    try {
      await flux.rpc("broker.ping", {}, { rank, timeout: 30_000 });
      return;
    } catch (error) {
      if (!(error instanceof FluxError) || error.code !== "EHOSTUNREACH") throw error;
    }
  }
}
