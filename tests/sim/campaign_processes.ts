/** Campaigns in several processes side by side, each with its share of the seeds. */

const MAIN = new URL("campaign_main.ts", import.meta.url).pathname;
/** A session of 4,096 ranks takes some gigabytes. */
const HEAP = "--v8-flags=--max-old-space-size=6000";

interface Seeds {
  readonly first: number;
  readonly count: number;
  readonly jobs: number;
}

/** Runs `campaign_main.ts` with these arguments for each share of the seeds, on this terminal; true when all hold. */
export async function shares(args: readonly string[], { first, count, jobs }: Seeds): Promise<boolean> {
  const bounds = Array.from({ length: jobs + 1 }, (_, i) => first + Math.round(i * count / jobs));
  const runs = bounds.slice(0, -1).flatMap((seed, i) => {
    const share = bounds[i + 1]! - seed;
    if (share === 0) return [];
    // What is said last counts.
    const words = [...args, "--seed", `${seed}`, "--count", `${share}`, "--jobs", "1"];
    return [
      new Deno.Command(Deno.execPath(), { args: ["run", "-A", "--no-check", HEAP, MAIN, ...words] }).spawn().status,
    ];
  });
  return (await Promise.all(runs)).every(({ success }) => success);
}

/** The same for a test, FLUX_TEST_SEED alone when it is set: what was said when something is broken, else nothing. */
export async function campaigns(options: Readonly<Record<string, number>>): Promise<string> {
  const only = Deno.env.get("FLUX_TEST_SEED");
  const given = { seed: 1, ...options, ...(only !== undefined && { seed: Number(only), count: 1 }) };
  const args = Object.entries(given).flatMap(([name, value]) => [`--${name}`, `${value}`]);
  const command = new Deno.Command(Deno.execPath(), { args: ["run", "-A", "--no-check", HEAP, MAIN, ...args] });
  const { success, stdout, stderr } = await command.output();
  if (success) return "";
  const lines = new TextDecoder().decode(stdout).split("\n").filter((line) => !/^seed \d+: holds/.test(line));
  return `deno task sim ${args.join(" ")}\n${lines.join("\n")}${new TextDecoder().decode(stderr)}`;
}
