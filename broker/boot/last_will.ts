/**
 * Ends a child when we end without having said goodbye, even by SIGKILL: a small process beside us knows of it by the end of its input. For
 * children that hold our terminal, or whose streams are not ours, and so do not notice it themselves.
 */

import type { Spawner } from "../ports/mod.ts";

/** The first line names the child, any other says that it is over. */
const EXECUTOR = `
trap '' HUP INT QUIT TERM
read -r pid || exit
read -r word || kill -TERM "$pid"
`;

export interface LastWill {
  /** The child that is to end when we do. Once. */
  name(pid: number): void;
  /** The child has ended: nothing is to be done any more. */
  revoke(): void;
}

/** To be made before the child, so that there is none when this cannot be. Throws as `Spawner.spawn` does. */
export function makeLastWill(spawner: Pick<Spawner, "spawn">): LastWill {
  const { stdin } = spawner.spawn({
    argv: ["/bin/sh", "-c", EXECUTOR, "flux-last-will"],
    env: { PATH: "/usr/bin:/bin" },
    stdin: "piped",
    stdout: "null",
    stderr: "null",
    detached: true,
  });
  const input = stdin!.getWriter();
  const say = (line: string) => void input.write(new TextEncoder().encode(`${line}\n`)).catch(() => {});
  return {
    name: (pid) => say(`${pid}`),
    revoke() {
      say("over");
      input.close().catch(() => {});
    },
  };
}
