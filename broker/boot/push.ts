/** Copies this program to other hosts before a session starts there, through the remote shell that starts brokers, too. */

import { FluxError } from "../message/mod.ts";
import type { Spawner } from "../ports/mod.ts";
import { quote } from "./quote.ts";
import { describeExit } from "./report.ts";

/** Copies under way at the same time. */
const AT_ONCE = 8;

export interface PushOptions {
  readonly hosts: readonly string[];
  /** The words of the remote shell; host and command line follow. */
  readonly rsh: readonly string[];
  /** The program's file here, and where it is to be there. */
  readonly file: string;
  readonly path: string;
  readonly env: Readonly<Record<string, string>>;
  readonly spawner: Pick<Spawner, "spawn">;
}

/** The words that take the program in on a host: whole, or not at all. `bytes` is its size. */
export function pushCommand({ rsh, path }: Pick<PushOptions, "rsh" | "path">, host: string, bytes: number): string[] {
  // A connection that breaks looks like the end of the file.
  const script = `umask 022; new="$1.$$" && cat >"$new" && [ "$(wc -c <"$new")" -eq ${bytes} ] && ` +
    'chmod 755 "$new" && mv -f "$new" "$1" || { rm -f "$new"; exit 1; }';
  return [...rsh, host, `exec /bin/sh -c ${quote(script)} sh ${quote(path)}`];
}

/** Throws EIO naming the first host that did not take it, with the last that its shell said. */
export async function pushProgram(options: PushOptions): Promise<void> {
  const waiting = [...new Set(options.hosts)];
  const bytes = Deno.statSync(options.file).size;
  const work = async () => {
    for (let host = waiting.shift(); host !== undefined; host = waiting.shift()) {
      await push(options, host, bytes).catch((error) => {
        waiting.length = 0;
        throw error;
      });
    }
  };
  const done = await Promise.allSettled(Array.from({ length: AT_ONCE }, work));
  for (const one of done) if (one.status === "rejected") throw one.reason;
}

async function push({ env, file, spawner, ...rest }: PushOptions, host: string, bytes: number): Promise<void> {
  const argv = pushCommand(rest, host, bytes);
  const child = spawner.spawn({ argv, env, stdin: "piped", stdout: "null", stderr: "piped" });
  const complaint = new Response(child.stderr).text();
  const source = await Deno.open(file);
  // What does not take all of it ends, and says why.
  await source.readable.pipeTo(child.stdin! as WritableStream<Uint8Array<ArrayBuffer>>).catch(() => {});
  const status = await child.status;
  if (status.code === 0 && status.signal === null) return;
  const said = (await complaint).trim().split(/\r?\n/).at(-1);
  throw new FluxError("EIO", `${host}: ${argv[0]} ${describeExit(status)}${said && `: ${said}`}`);
}
