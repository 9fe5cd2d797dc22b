import { readConfig } from "../../../commands/config_files.ts";
import { CommandError } from "../../../commands/command.ts";
import { assert, assertEquals } from "../../assert.ts";

async function inScratch(files: Record<string, string>, test: (path: string) => Promise<void>): Promise<void> {
  const path = await Deno.makeTempDir({ prefix: "flux-unit-" });
  try {
    for (const [name, text] of Object.entries(files)) Deno.writeTextFileSync(`${path}/${name}`, text);
    await test(path);
  } finally {
    await Deno.remove(path, { recursive: true });
  }
}

Deno.test("readConfig() reads a file, or all TOML files of a directory, where later ones win", () =>
  inScratch({
    "b.toml": "[kvs]\nb = 2\n[tbon]\nx = 'y'\n",
    "a.toml": "[kvs]\na = 1\nb = 1\n",
    "c.other": "nonsense",
  }, async (path) => {
    assertEquals(JSON.stringify(await readConfig(`${path}/a.toml`)), '{"kvs":{"a":1,"b":1}}');
    assertEquals(JSON.stringify(await readConfig(path)), '{"kvs":{"a":1,"b":2},"tbon":{"x":"y"}}');
  }));

Deno.test("readConfig() names the file, and what is wrong", () =>
  inScratch({ "a.toml": "x = [" }, async (path) => {
    for (const [file, text] of [["a.toml", "Invalid TOML document"], ["none", "No such file or directory"]] as const) {
      const error = await readConfig(`${path}/${file}`).catch((error) => error);
      assert(error instanceof CommandError && error.message.startsWith(`${path}/${file}: ${text}`), `${error}`);
    }
  }));
