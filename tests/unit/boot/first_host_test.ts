/** The line by which `flux start` goes to the first host of a list. */

import { firstHostCommand } from "../../../broker/boot/first_host.ts";
import { START_SECRET } from "../../../broker/boot/key_directory.ts";
import { assert, assertEquals } from "../../assert.ts";

const options = {
  host: "node1",
  rsh: ["ssh", "-T"],
  isTerminal: false,
  cwd: "/home/me/my work",
  env: {},
  words: ["/opt/flux", "start", "--hosts=node[1-4]", "--", "it's", "$HOME"],
};

/** What a command line of two shells is in the end, as words. */
function understood(line: string): string[] {
  const shown = line.replace("exec env", 'printf "%s\\n"');
  const { stdout } = new Deno.Command("/bin/sh", { args: ["-c", shown] }).outputSync();
  return new TextDecoder().decode(stdout).trimEnd().split("\n");
}

Deno.test("the first host is told the words as they are, the directory, and by what name it was reached", () => {
  const line = firstHostCommand(options);
  assertEquals(line.slice(0, -1), ["ssh", "-T", "node1"]);
  assert(line.at(-1)!.startsWith("exec /bin/sh -c 'cd '\\''/home/me/my work'\\'' "), line.at(-1));
  assertEquals(understood(line.at(-1)!), ["FLUX_START_HOST=node1", ...options.words]);
});

Deno.test("the first host is told what is flux's own and the remote shell, but no secret and nothing of this machine", () => {
  const env = {
    FLUX_SSH: "ssh -A",
    FLUX_SEC_DIRECTORY: "/home/me/.flux",
    FLUX_URI: "local:///tmp/x",
    FLUX_SELF: "/x",
    [START_SECRET]: "hidden",
    HOME: "/home/me",
  };
  const [line] = firstHostCommand({ ...options, env }).slice(-1);
  assertEquals(understood(line!).slice(0, -options.words.length), [
    "FLUX_SEC_DIRECTORY=/home/me/.flux",
    "FLUX_SSH=ssh -A",
    "FLUX_START_HOST=node1",
  ]);
});

Deno.test("only ssh is asked for a terminal, and only where there is one", () => {
  const front = (rsh: string[], isTerminal: boolean) =>
    firstHostCommand({ ...options, rsh, isTerminal }).slice(0, -1).join(" ");
  assertEquals(front(["/usr/bin/ssh", "-T"], true), "/usr/bin/ssh -T -t node1");
  assertEquals(front(["ssh"], false), "ssh node1");
  assertEquals(front(["rsh"], true), "rsh node1");
});
