import { readableDuration, seconds } from "../../../../commands/wreck/duration.ts";
import { tellEnds } from "../../../../commands/wreck/ends.ts";
import { howEnded } from "../../../../broker/ports/mod.ts";
import { inputMap } from "../../../../commands/wreck/input_map.ts";
import { CommandError } from "../../../../commands/command.ts";
import { assert, assertEquals } from "../../../assert.ts";

Deno.test("seconds() reads times with a unit, rounded up, and says what is wrong with others", () => {
  assertEquals(["5", "5s", "1.5m", "2h", "1d", "0.2", ".5h"].map(seconds), [5, 5, 90, 7200, 86400, 1, 1800]);
  for (const wrong of ["", "x", "5x", "-1", "1m2", "1e3"]) {
    try {
      seconds(wrong);
      assert(false, `${wrong} was taken`);
    } catch (error) {
      assert(error instanceof CommandError);
      assertEquals(error.message, `Error: Invalid duration '${wrong}'`);
    }
  }
});

Deno.test("readableDuration() chooses the unit", () => {
  assertEquals([1500, 90_000, 5_400_000, 129_600_000].map(readableDuration), ["1.500s", "1.500m", "1.500h", "1.500d"]);
});

Deno.test("inputMap() reads files and sets of tasks; what is not named reads nothing", () => {
  const rest = { src: "/dev/null", dst: "*" };
  assertEquals(inputMap("a.txt"), [{ src: "a.txt", dst: "*" }, rest]);
  assertEquals(inputMap("0-1;f:2"), [{ src: "stdin", dst: "0-1" }, { src: "f", dst: "2" }, rest]);
  assertEquals(inputMap("-:3"), [{ src: "stdin", dst: "3" }, rest]);
  assertEquals(inputMap("none"), []);
});

Deno.test("tellEnds() tells groups of tasks that went wrong, and tells a node's failure from the user's", () => {
  const said: string[] = [];
  const ends = [{ tasks: "0-2", status: 256 }, { tasks: "3", status: 14 }, { tasks: "4", status: 0 }];
  tellEnds({ jobid: 1, state: "complete", code: 142, ends }, (text) => said.push(text));
  assertEquals(said.splice(0), ["tasks [0-2]: exited with exit code 1", "task 3: exited with signal 14"]);
  tellEnds(
    { jobid: 1, state: "failed", code: 1, ends: [], reason: "rank 1 is gone", isNodeFailure: true },
    (text) => said.push(text),
  );
  assertEquals(said, ["node failure: rank 1 is gone"]);
  assertEquals(howEnded(0), "exited with exit code 0");
});
