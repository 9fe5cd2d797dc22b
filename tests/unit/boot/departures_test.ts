import { Departures } from "../../../broker/boot/departures.ts";
import { assertEquals } from "../../assert.ts";

const FOLLOWS = { status: 0, reason: "parent is shutting down" };

/** Ranks 5 and 6 are seen to end with their parent, 3 since it lost its own. */
function seen(): Departures {
  const departures = new Departures();
  departures.left(5, FOLLOWS);
  departures.left(6, FOLLOWS);
  departures.left(3, { status: 1, reason: "lost connection to parent" });
  departures.add(2, ": out of memory");
  return departures;
}

Deno.test("Departures.take() says nothing of ranks that turn out to have ended with the session", () => {
  assertEquals(seen().take(true), ["rank 2: out of memory", "rank 3 ended: lost connection to parent"]);
});

Deno.test("Departures.take() tells of all that have gone while the session goes on, once", () => {
  const departures = seen();
  assertEquals(departures.take(false), [
    "rank 2: out of memory",
    "ranks 5-6 ended: parent is shutting down",
    "rank 3 ended: lost connection to parent",
  ]);
  assertEquals(departures.take(false), []);
});
