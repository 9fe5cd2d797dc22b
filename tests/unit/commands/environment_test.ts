import { FRONT_OPTIONS, managedEnvironment, searchPath } from "../../../commands/environment.ts";
import { parseOptions } from "../../../commands/options.ts";
import { assertEquals } from "../../assert.ts";

function managed(words: string[], variables: Record<string, string>): Record<string, string> {
  return managedEnvironment(parseOptions(FRONT_OPTIONS, words).opts, (name) => variables[name]);
}

Deno.test("managedEnvironment() defaults both directories to $HOME/.flux", () => {
  assertEquals(managed([], { HOME: "/h" }), { FLUX_CONF_DIRECTORY: "/h/.flux", FLUX_SEC_DIRECTORY: "/h/.flux" });
});

Deno.test("managedEnvironment() leaves out what has no value", () => {
  assertEquals(managed([], { FLUX_URI: "" }), {});
});

Deno.test("managedEnvironment() takes options before variables, variables before defaults", () => {
  const variables = { HOME: "/h", FLUX_CONF_DIRECTORY: "/c", FLUX_SEC_DIRECTORY: "/s", FLUX_URI: "local:///a" };
  assertEquals(managed([], variables), {
    FLUX_CONF_DIRECTORY: "/c",
    FLUX_SEC_DIRECTORY: "/s",
    FLUX_URI: "local:///a",
  });
  assertEquals(managed(["-u", "local:///b", "-S/k", "-t"], variables), {
    FLUX_CONF_DIRECTORY: "/c",
    FLUX_HANDLE_TRACE: "1",
    FLUX_SEC_DIRECTORY: "/k",
    FLUX_URI: "local:///b",
  });
});

Deno.test("managedEnvironment() looks for keys in a configuration directory that was named", () => {
  const { FLUX_SEC_DIRECTORY } = managed(["--config=/d"], { HOME: "/h", FLUX_SEC_DIRECTORY: "/s" });
  assertEquals(FLUX_SEC_DIRECTORY, "/d");
});

Deno.test("managedEnvironment() puts --exec-path in front and keeps the user's value behind", () => {
  const { FLUX_EXEC_PATH } = managed(["-x", "/a", "-x/b:/u"], { FLUX_EXEC_PATH: "/u:/v" });
  assertEquals(FLUX_EXEC_PATH, "/a:/b:/u:/v");
});

Deno.test("searchPath() keeps each directory once, at its first place", () => {
  assertEquals(searchPath(["/a::/b", undefined, "/b:/a:/c"]), "/a:/b:/c");
});
