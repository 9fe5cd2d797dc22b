/** Processes of this machine as /proc shows them: what a program has started, and the end of all of it. */

export interface ProcessState {
  readonly ppid: number;
  /** `R`, `S`, `T` for stopped, `Z` for one that has ended and was not waited for … */
  readonly state: string;
  readonly group: number;
  /** The process group in the foreground of its terminal; -1 without a terminal. */
  readonly foreground: number;
  /** As `waitpid` gives it; only of use in state `Z`. */
  readonly waitStatus: number;
}

/** Undefined when there is no such process. */
export function processState(pid: number | "self"): ProcessState | undefined {
  const stat = readProc(`${pid}/stat`);
  if (stat === undefined) return undefined;
  // The name in parentheses may hold anything; what follows the last one is plain.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).trim().split(" ");
  const at = (i: number) => Number(fields[i - 3]); // numbered from 1 as in proc(5); field 3 is the first here
  return { state: fields[0]!, ppid: at(4), group: at(5), foreground: at(8), waitStatus: at(52) };
}

/** True when it runs or is stopped: one that has ended and was not waited for is not alive. */
export function isAlive(pid: number): boolean {
  const state = processState(pid)?.state;
  return state !== undefined && state !== "Z" && state !== "X";
}

type Ours = (environment: readonly string[]) => boolean;

/**
 * What a session with this run directory gives its programs: the way to a broker, and its `bin` in PATH. Who was only told the way comes
 * from elsewhere.
 */
export function ofSession(rundir: string): Ours {
  const path = (line: string) => line.startsWith("PATH=") ? line.slice("PATH=".length).split(":") : [];
  return (environment) =>
    environment.some((line) => line.startsWith(`FLUX_URI=local://${rundir}/`)) &&
    environment.some((line) => path(line).includes(`${rundir}/bin`));
}

/**
 * Kills `root` and everything it has started, also what has moved to another parent since but has an environment, line by line, that
 * is `ours`. Each is stopped before any is killed, so that none escapes by forking.
 */
export function killTree(root: number, ours: Ours): void {
  const stopped = new Set<number>([Deno.pid]);
  for (;;) {
    const found = family(root, ours).filter((pid) => !stopped.has(pid));
    if (found.length === 0) break;
    for (const pid of found) {
      signal(pid, "SIGSTOP");
      stopped.add(pid);
    }
  }
  stopped.delete(Deno.pid);
  for (const pid of stopped) signal(pid, "SIGKILL");
}

/** Sends a signal; a process that is gone is no error. */
export function signal(pid: number, name: string): void {
  try {
    Deno.kill(pid, name as Deno.Signal);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** True when a process of this group is alive. */
export function isGroupAlive(group: number): boolean {
  return processes().some(({ state }) => state.group === group && state.state !== "Z");
}

/** Parents before their children: a shell must not see its jobs stop while it can still do something about it. */
function family(root: number, ours: Ours): number[] {
  const children = new Map<number, number[]>();
  const members = new Set<number>(isAlive(root) ? [root] : []);
  const marked: number[] = [];
  for (const { pid, state } of processes()) {
    if (state.state === "Z") continue;
    children.set(state.ppid, [...children.get(state.ppid) ?? [], pid]);
    if (ours(readProc(`${pid}/environ`)?.split("\0") ?? [])) marked.push(pid);
  }
  for (const start of [members, marked]) {
    for (const pid of start) members.add(pid);
    // What is added while a set is walked is walked too.
    for (const pid of members) for (const child of children.get(pid) ?? []) members.add(child);
  }
  return [...members];
}

function processes(): { pid: number; state: ProcessState }[] {
  const found: { pid: number; state: ProcessState }[] = [];
  for (const { name } of Deno.readDirSync("/proc")) {
    const state = /^\d+$/.test(name) ? processState(Number(name)) : undefined;
    if (state) found.push({ pid: Number(name), state });
  }
  return found;
}

function readProc(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(`/proc/${path}`);
  } catch {
    return undefined; // gone meanwhile, or not ours to read
  }
}
