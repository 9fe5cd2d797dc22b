/**
 * A small process beside the broker that outlives it: when the broker dies without having said goodbye, it kills the
 * groups of all tasks. It knows of the broker's death by the end of its input, so nothing can keep it from knowing.
 */

import { FluxError } from "../../message/mod.ts";
import type { Child, Spawner } from "../../ports/mod.ts";

/**
 * `+N`: group N has begun; `-N`: it is over; `q`: the broker ends in order. A task that was started in the moment of the
 * broker's death, before it could be told of, is found as the leader of a session that has just got our own new parent and
 * has the broker's URI in its environment; twice, since it may not have reached its program at the first look.
 */
export const GUARD = `
trap '' HUP INT QUIT TERM
groups=' '
while read -r word; do
  case $word in
    +*) groups="$groups\${word#+} " ;;
    -*) groups="\${groups%%" \${word#-} "*} \${groups#*" \${word#-} "}" ;;
    q) exit ;;
  esac
done
for group in $groups; do kill -KILL "-$group"; done
look() {
  read -r stat <"/proc/$$/stat"
  set -- \${stat##*) }
  parent=$2
  for process in /proc/[0-9]*; do
    pid=\${process#/proc/}
    read -r stat <"$process/stat" || continue
    set -- \${stat##*) }
    [ "$2" = "$parent" ] && [ "$3" = "$pid" ] && [ "$4" = "$pid" ] && [ "$pid" != "$$" ] || continue
    grep -qzxF "FLUX_URI=$uri" "$process/environ" && kill -KILL "-$pid"
  done
}
uri=$1
look
sleep 0.2
look
`;

export class Guard {
  readonly #spawner: Pick<Spawner, "spawn">;
  readonly #uri: string;
  readonly #complain: (text: string) => void;
  readonly #groups = new Set<number>();
  #child: Child | undefined;
  #input: WritableStreamDefaultWriter<Uint8Array> | undefined;
  #closed = false;

  /** `uri` is in the environment of every task. `complain` hears once when tasks cannot be guarded. */
  constructor(spawner: Pick<Spawner, "spawn">, uri: string, complain: (text: string) => void) {
    this.#spawner = spawner;
    this.#uri = uri;
    this.#complain = complain;
  }

  /** Its process; undefined before the first task. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  began(group: number): void {
    this.#groups.add(group);
    if (!this.#child) this.#start();
    else this.#say(`+${group}`);
  }

  over(group: number): void {
    if (this.#groups.delete(group)) this.#say(`-${group}`);
  }

  /** The broker ends in order: no task is left. */
  close(): void {
    this.#closed = true;
    this.#say("q");
    this.#input?.close().catch(() => {});
  }

  #start(): void {
    if (this.#closed) return;
    let child: Child;
    try {
      child = this.#spawner.spawn({
        argv: ["/bin/sh", "-c", GUARD, "flux-exec-guard", this.#uri],
        env: { PATH: "/usr/bin:/bin" },
        stdin: "piped",
        stdout: "null",
        stderr: "null",
        detached: true,
      });
    } catch (error) {
      if (!(error instanceof FluxError)) throw error;
      return this.#complain(`tasks would outlive a broker that is killed: ${error.message}`);
    }
    this.#child = child;
    this.#input = child.stdin!.getWriter();
    for (const group of this.#groups) this.#say(`+${group}`);
    void child.status.then(() => this.#gone());
  }

  /** Somebody has killed it: another takes its place. */
  #gone(): void {
    this.#child = this.#input = undefined;
    if (this.#groups.size > 0) this.#start();
  }

  #say(word: string): void {
    this.#input?.write(new TextEncoder().encode(`${word}\n`)).catch(() => {});
  }
}
