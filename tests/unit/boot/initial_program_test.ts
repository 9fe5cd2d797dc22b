/** The words of the initial program and what it finds in its environment. */

import { assertEquals } from "../../assert.ts";
import { programArgv, programEnvironment } from "../../../broker/boot/initial_program.ts";

Deno.test("programArgv() gives one word to the shell", () => {
  assertEquals(programArgv(["echo $X"], { SHELL: "/bin/zsh" }), ["/bin/zsh", "-c", "echo $X"]);
});

Deno.test("programArgv() runs several words as they are", () => {
  assertEquals(programArgv(["echo", "$X"], { SHELL: "/bin/zsh" }), ["echo", "$X"]);
});

Deno.test("programArgv() without words is the shell, /bin/bash when SHELL is unset", () => {
  assertEquals(programArgv([], {}), ["/bin/bash"]);
});

Deno.test("programEnvironment() leaves out what concerns the caller's job and launcher", () => {
  const env = {
    HOME: "/h",
    PMI_FD: "5",
    PMI_RANK: "0",
    PMIX_NAMESPACE: "n",
    SLURM_JOB_ID: "1",
    PALS_X: "1",
    FLUX_JOB_ID: "f",
    FLUX_START_SOCKET: "/s",
    FLUX_START_PID: "7",
    FLUX_EXEC_PATH: "/e",
    SLURMISH: "kept",
  };
  assertEquals(programEnvironment({ ...env, PATH: "/bin" }, "local:///r/local-0", "/r"), {
    HOME: "/h",
    FLUX_EXEC_PATH: "/e",
    SLURMISH: "kept",
    PATH: "/r/bin:/bin",
    FLUX_URI: "local:///r/local-0",
  });
});

Deno.test("programEnvironment() replaces the enclosing session's URI", () => {
  assertEquals(programEnvironment({ FLUX_URI: "local:///outer" }, "local:///inner", "/r").FLUX_URI, "local:///inner");
});
