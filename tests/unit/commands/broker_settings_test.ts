/** The settings of a broker as its command line gives them. */

import { assertEquals } from "../../assert.ts";
import { type BrokerSettings, checkBrokerWords, shutdownGrace } from "../../../commands/broker_settings.ts";

/** What is thrown, as its text. */
function refused(words: string[]): string {
  try {
    checkBrokerWords(words);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return "nothing was thrown";
}

const names = (settings: BrokerSettings, rank = 0) => settings.modules(rank).map(({ name }) => name);

Deno.test("checkBrokerWords() of nothing gives the defaults", () => {
  const { arity, security, method, heartrate, attributes } = checkBrokerWords([]);
  assertEquals({ arity, security, method, heartrate, attributes }, {
    arity: 2,
    security: "curve",
    method: "pmi",
    heartrate: 2000,
    attributes: {},
  });
});

for (const [text, ms] of [["2", 2000], ["0.5", 500], [".1s", 100], ["10ms", 10], ["30s", 30_000]] as const) {
  Deno.test(`checkBrokerWords() reads a heartrate of ${text} as ${ms} ms`, () => {
    assertEquals(checkBrokerWords(["-H", text]).heartrate, ms);
  });
}

for (const text of ["", "0", "9ms", "31", "1h", "1 s", "-1", "x"]) {
  Deno.test(`checkBrokerWords() refuses a heartrate of "${text}"`, () => {
    assertEquals(refused([`--heartrate=${text}`]), `heartrate \`${text}': Invalid argument`);
  });
}

for (
  const [words, text] of [
    [["-s", "rot13"], "--security argument must be none|plain|curve"],
    [["-m", "magic"], "boot-method `magic': pmi or single"],
    [["-E"], "multicast events are not supported: events travel the tree"],
    [["-l", "loud"], "--log-level loud: 0 to 7 or a level's name"],
    [["--setattr", "novalue"], "--setattr novalue: must be NAME=VALUE"],
    [["-O", "api"], "malformed module option: api"],
    [["-O", "api:key"], "malformed module option: api:key"],
    [["-O", ":a=b"], "malformed module option: :a=b"],
    [["-O", "other:a=b"], "module argument for unknown module: other"],
    [["-k", "-1"], "option '-k': -1 is less than 0"],
    [["word"], "--broker-opts: word is no option"],
  ] as [string[], string][]
) {
  Deno.test(`checkBrokerWords() refuses ${words.join(" ")}`, () => {
    assertEquals(refused(words), text);
  });
}

Deno.test("checkBrokerWords() takes the boot method in any case", () => {
  assertEquals(checkBrokerWords(["--boot-method=PMI"]).method, "pmi");
  assertEquals(checkBrokerWords(["--boot-method=Single"]).method, "single");
});

Deno.test("checkBrokerWords() makes attributes of levels and of --setattr, which wins", () => {
  assertEquals(checkBrokerWords(["-v"]).attributes, { "log-level": "debug" });
  assertEquals(checkBrokerWords(["-v", "-l", "err"]).attributes, { "log-level": "err" });
  const words = ["-l", "err", "--setattr", "log-level=7", "--setattr=a=b=c", "--setattr=empty="];
  assertEquals(checkBrokerWords(words).attributes, { "log-level": "7", a: "b=c", empty: "" });
});

Deno.test("BrokerSettings.modules() are the default ones and those asked for, less the excluded", () => {
  const defaults = names(checkBrokerWords([]));
  assertEquals(names(checkBrokerWords(["-M", "one", "-M", "/a/two.js"])), [...defaults, "one", "/a/two.js"]);
  assertEquals(names(checkBrokerWords(["-x", "api"])), defaults.filter((name) => name !== "api"));
  assertEquals(names(checkBrokerWords(["-x", "api", "-M", "api"])).includes("api"), true);
});

Deno.test("BrokerSettings.modules() honours the ranks behind a name", () => {
  const settings = checkBrokerWords(["-x", "api", "-M", "one[0,2-3]"]);
  assertEquals([0, 1, 2, 3, 4].map((rank) => names(settings, rank).includes("one")), [true, false, true, true, false]);
});

Deno.test("BrokerSettings.modules() gives each module its options in order", () => {
  const settings = checkBrokerWords(["-M", "one[1]", "-O", "one:a=1", "-O", "one:b=x:y=z", "-O", "api:c="]);
  const args = Object.fromEntries(settings.modules(1).map(({ name, args }) => [name, args]));
  assertEquals([args.one, args.api], [["a=1", "b=x:y=z"], ["c="]]);
});

Deno.test("shutdownGrace() grows with the session", () => {
  assertEquals([1, 15, 16, 127, 128, 1023, 1024].map(shutdownGrace), [0.5, 0.5, 1, 1, 2, 2, 5]);
});
