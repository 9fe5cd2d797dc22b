/**
 * Every manual page there is, read from the files beside this one. The packed executable has the pages themselves in
 * place of this module (scripts/pack/bundle.ts).
 */

/** The text of each page by the name of its file without `.md`. */
export async function manualPages(): Promise<Readonly<Record<string, string>>> {
  const pages: Record<string, string> = {};
  for await (const entry of Deno.readDir(import.meta.dirname!)) {
    if (!entry.name.endsWith(".md")) continue;
    pages[entry.name.slice(0, -3)] = await Deno.readTextFile(`${import.meta.dirname}/${entry.name}`);
  }
  return pages;
}
