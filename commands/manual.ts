/** The manual pages of the commands: commands/NAME.md, inside the executable when it is packed. */

async function pages(): Promise<Readonly<Record<string, string>>> {
  return await (await import("./manual_pages.ts")).manualPages();
}

/** The page of a command as Markdown, undefined if there is none. `comms-stats` and `comms stats` are comms_stats.md. */
export async function manualPage(name: string): Promise<string | undefined> {
  const all = await pages();
  for (const key of [name, name.replace(/[ -]/g, "_"), name.replace(/ /g, "-")]) {
    if (Object.hasOwn(all, key)) return all[key];
  }
  return undefined;
}

/** The names of all pages, sorted, as their files have them. */
export async function manualNames(): Promise<string[]> {
  return Object.keys(await pages()).sort();
}
