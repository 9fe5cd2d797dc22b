import type { Command } from "../../commands/mod.ts";
import { runCommand } from "../../commands/runner.ts";
import type { Surroundings } from "../../commands/surroundings.ts";
import { FakeSurroundings } from "../unit/commands/fake_surroundings.ts";
import type { SimSession } from "./session.ts";

/** What came of a command. */
export interface Ran {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

/** A command under way as a client of one rank. */
export class RunningCommand {
  readonly around = new FakeSurroundings({ FLUX_URI: "local:///sim" });
  readonly status: Promise<number>;

  constructor(session: SimSession, rank: number, command: Command, words: readonly string[]) {
    const connected: Surroundings = Object.create(this.around, {
      open: { value: () => Promise.resolve(session.handle(rank)) },
    });
    this.status = runCommand(command, words, connected);
  }

  get lines(): string[] {
    return this.around.out.split("\n").slice(0, -1);
  }
}

/** Runs a command to its end. It must not wait for real time: virtual time does not wait with it. */
export async function run(session: SimSession, rank: number, command: Command, ...words: string[]): Promise<Ran> {
  const running = new RunningCommand(session, rank, command, words);
  const status = await session.settle(running.status);
  return { status, out: running.around.out, err: running.around.err };
}
