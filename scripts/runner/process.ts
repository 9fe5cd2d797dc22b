/** Child processes of the test runner, with a deadline. */

export interface Outcome {
  readonly success: boolean;
  /** Standard output and error, without colours. */
  readonly output: string;
}

export interface RunOptions {
  readonly cwd: string;
  readonly env?: Record<string, string>;
  /** Milliseconds after which the process is killed, which counts as failure. */
  readonly limit: number;
  /** Pass on what it prints while it runs. */
  readonly show?: boolean;
}

/** Runs a command to its end. Never throws: a command that cannot be started has failed, with the reason as output. */
export async function run(command: string, args: readonly string[], options: RunOptions): Promise<Outcome> {
  let child: Deno.ChildProcess;
  try {
    child = new Deno.Command(command, {
      args: [...args],
      cwd: options.cwd,
      env: { NO_COLOR: "1", ...options.env },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  } catch (error) {
    return { success: false, output: `${command}: ${error instanceof Error ? error.message : error}\n` };
  }
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill("SIGTERM");
    setTimeout(() => child.kill("SIGKILL"), 5_000);
  }, options.limit);
  const pieces: string[] = [];
  const read = async (stream: ReadableStream<Uint8Array<ArrayBuffer>>, to: typeof Deno.stdout) => {
    const decoder = new TextDecoder();
    for await (const bytes of stream) {
      pieces.push(decoder.decode(bytes, { stream: true }));
      if (options.show) to.writeSync(bytes);
    }
  };
  const reading = Promise.all([read(child.stdout, Deno.stdout), read(child.stderr, Deno.stderr)]);
  const { success } = await child.status;
  clearTimeout(timer);
  // Something it left behind may hold its output open: what is not read a second after its end is not waited for.
  await Promise.race([reading, new Promise((resolve) => setTimeout(resolve, 1_000))]);
  if (late) pieces.push(`\n${command} ${args.join(" ")}: killed after ${options.limit / 1000} s\n`);
  if (late && options.show) console.log(pieces.at(-1));
  return { success: success && !late, output: pieces.join("") };
}
