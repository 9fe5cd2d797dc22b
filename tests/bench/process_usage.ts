/** What processes use: memory from /proc, processor time from the clock that the kernel keeps for each. */

const libc = Deno.dlopen("libc.so.6", {
  clock_gettime: { parameters: ["i32", "buffer"], result: "i32" },
});

/** Processor seconds of a process so far: all its threads, those that ended too. Throws when it is gone. */
export function processorSeconds(pid: number): number {
  const time = new BigInt64Array(2);
  if (libc.symbols.clock_gettime(processClock(pid), new Uint8Array(time.buffer)) !== 0) {
    throw new Error(`process ${pid} is gone`);
  }
  return Number(time[0]) + Number(time[1]) / 1e9;
}

/** The id of a process's clock, as clock_getcpuclockid(3) makes it: the scheduler's count of the whole process. */
function processClock(pid: number): number {
  return (~pid << 3) | 2;
}

/** Memory of a process, MiB. */
export interface Memory {
  /** Its share: pages that n processes use count 1/n. */
  readonly pss: number;
  /** Pages nobody else uses. */
  readonly private: number;
  readonly rss: number;
}

export function memory(pid: number): Memory {
  const fields = new Map<string, number>();
  for (const [, name, kib] of Deno.readTextFileSync(`/proc/${pid}/smaps_rollup`).matchAll(/^(\w+): +(\d+) kB$/gm)) {
    fields.set(name!, Number(kib) / 1024);
  }
  const field = (name: string) => fields.get(name) ?? NaN;
  return { pss: field("Pss"), rss: field("Rss"), private: field("Private_Clean") + field("Private_Dirty") };
}
