import { errnum, Flag, Message, MessageType, NODEID_ANY } from "../../../broker/message/mod.ts";
import { type Position, route } from "../../../broker/router/route.ts";
import { assertEquals } from "../../assert.ts";

/** Rank 1 of a binary tree of 7: parent 0, children 3 and 4, and the service `here`. */
const INNER: Position = {
  rank: 1,
  size: 7,
  service: (name) => name === "here" ? "module" : undefined,
  child: (rank) => rank === 3 ? "c3" : rank === 4 ? "c4" : undefined,
};
const ROOT: Position = {
  rank: 0,
  size: 7,
  service: (name) => name === "here" ? "module" : undefined,
  child: (rank) => [1, 3, 4].includes(rank) ? "c1" : [2, 5, 6].includes(rank) ? "c2" : undefined,
};

const request = (nodeid: number, topic: string, flags = 0) =>
  new Message({ type: MessageType.request, flags, aux1: nodeid, topic });

/** The hop in a word: `local`, `parent`, a child, or the error's number. */
function hop(nodeid: number, topic: string, from: "local" | "parent" | "child", at: Position, flags = 0): string {
  const hop = route(request(nodeid, topic, flags), from, at);
  return hop.to === "error" ? `${hop.errnum}` : hop.to === "child" ? hop.id : hop.to;
}

const ENOSYS = `${errnum("ENOSYS")}`, EHOSTUNREACH = `${errnum("EHOSTUNREACH")}`;

Deno.test("route() offers a request to any rank to the services here, then to the parent", () => {
  assertEquals(hop(NODEID_ANY, "here.x", "local", INNER), "local");
  assertEquals(hop(NODEID_ANY, "here.x", "child", INNER), "local");
  assertEquals(hop(NODEID_ANY, "there.x", "local", INNER), "parent");
  assertEquals(hop(NODEID_ANY, "there.x", "child", INNER), "parent");
  assertEquals(hop(NODEID_ANY, "here.x", "child", ROOT), "local");
  assertEquals(hop(NODEID_ANY, "there.x", "child", ROOT), ENOSYS);
});

Deno.test("route() delivers a request to this rank here or not at all", () => {
  assertEquals(hop(1, "here.x", "parent", INNER), "local");
  assertEquals(hop(1, "there.x", "parent", INNER), ENOSYS);
  assertEquals(hop(1, "there.x", "local", INNER), ENOSYS);
  assertEquals(hop(0, "there.x", "local", ROOT), ENOSYS);
});

Deno.test("route() sends a request for another rank down to the child it is behind, otherwise up", () => {
  assertEquals(hop(4, "x.y", "parent", INNER), "c4");
  assertEquals(hop(3, "here.y", "local", INNER), "c3");
  assertEquals(hop(3, "here.y", "child", INNER), "c3");
  assertEquals(hop(0, "here.y", "local", INNER), "parent");
  assertEquals(hop(6, "here.y", "child", INNER), "parent");
  assertEquals(hop(6, "here.y", "child", ROOT), "c2");
});

Deno.test("route() refuses a rank that is in nobody's reach", () => {
  assertEquals(hop(5, "x.y", "parent", INNER), EHOSTUNREACH);
  assertEquals(hop(7, "x.y", "local", INNER), EHOSTUNREACH);
  assertEquals(hop(0xfffffff0, "x.y", "local", INNER), EHOSTUNREACH);
  assertEquals(hop(5, "x.y", "local", { ...ROOT, child: () => undefined }), EHOSTUNREACH);
});

Deno.test("route() sends what goes upstream from here to the parent, past the services here", () => {
  assertEquals(hop(1, "here.x", "local", INNER, Flag.upstream), "parent");
  assertEquals(hop(0, "here.x", "local", ROOT, Flag.upstream), ENOSYS);
});

Deno.test("route() treats what came upstream from elsewhere like a request to any rank", () => {
  assertEquals(hop(3, "here.x", "child", INNER, Flag.upstream), "local");
  assertEquals(hop(3, "there.x", "child", INNER, Flag.upstream), "parent");
  assertEquals(hop(3, "there.x", "child", ROOT, Flag.upstream), ENOSYS);
});

Deno.test("route() never sends up what came down", () => {
  for (const nodeid of [NODEID_ANY, 0, 1, 2, 5, 6, 7]) {
    for (const flags of [0, Flag.upstream]) {
      assertEquals(
        hop(nodeid, "there.x", "parent", INNER, flags) === "parent",
        false,
        `nodeid ${nodeid} flags ${flags}`,
      );
    }
  }
});

Deno.test("route() names the topic that nobody serves", () => {
  assertEquals(route(request(1, "there.x.y"), "local", INNER), {
    to: "error",
    errnum: errnum("ENOSYS"),
    text: "No service matching there.x.y is registered",
  });
});
