import fc from "fast-check";
import { Flag, Message, MessageType } from "../../../broker/message/mod.ts";
import { Disconnects } from "../../../broker/router/disconnects.ts";
import { ServiceTable } from "../../../broker/router/service_table.ts";
import { Subscriptions } from "../../../broker/router/subscriptions.ts";
import { assertEquals, assertThrows } from "../../assert.ts";
import { check } from "../../property.ts";

Deno.test("ServiceTable.add() takes a name once, and none with a dot", () => {
  const table = new ServiceTable();
  table.add("foo", "a");
  assertThrows(() => table.add("foo", "b"), { errno: "EEXIST" });
  for (const name of ["", "a.b", "."]) assertThrows(() => table.add(name, "a"), { errno: "EINVAL" });
  assertEquals([table.find("foo"), table.find("bar")], ["a", undefined]);
});

Deno.test("ServiceTable.remove() is for who serves the name", () => {
  const table = new ServiceTable();
  table.add("foo", "a");
  table.add("bar", "a");
  assertThrows(() => table.remove("foo", "b"), { errno: "ENOENT" });
  table.remove("foo", "a");
  assertThrows(() => table.remove("foo", "a"), { errno: "ENOENT" });
  assertEquals(table.of("a"), ["bar"]);
  table.removeAll("a");
  assertEquals(table.find("bar"), undefined);
});

Deno.test("Subscriptions are counted", () => {
  const subscriptions = new Subscriptions();
  subscriptions.add("t", "a");
  subscriptions.add("t", "a");
  subscriptions.remove("t", "a");
  assertEquals([...subscriptions.matching("test")], ["a"]);
  subscriptions.remove("t", "a");
  assertEquals([...subscriptions.matching("test")], []);
  assertThrows(() => subscriptions.remove("t", "a"), { errno: "ENOENT" });
  assertThrows(() => subscriptions.remove("nosuch", "a"), { errno: "ENOENT" });
});

Deno.test("Subscriptions.matching() finds by beginning, each subscriber once", () => {
  const subscriptions = new Subscriptions();
  subscriptions.add("", "all");
  subscriptions.add("foo", "f");
  subscriptions.add("foo.b", "f");
  subscriptions.add("foo.bar", "g");
  const matching = (topic: string) => [...subscriptions.matching(topic)].sort();
  assertEquals(matching("foo.bar"), ["all", "f", "g"]);
  assertEquals(matching("foobar"), ["all", "f"]);
  assertEquals(matching("fo"), ["all"]);
  subscriptions.removeAll("f");
  assertEquals(matching("foo.bar"), ["all", "g"]);
  assertEquals(subscriptions.of("g"), ["foo.bar"]);
});

Deno.test("Subscriptions do what a list of pairs does", () => {
  const who = fc.constantFrom("x", "y", "z"), prefix = fc.constantFrom("", "a", "ab", "abc", "b");
  const step = fc.record({ act: fc.constantFrom("add", "add", "remove", "removeAll"), who, prefix });
  check(fc.property(fc.array(step, { maxLength: 30 }), fc.constantFrom("a", "abcd", "b", "c"), (steps, topic) => {
    const subscriptions = new Subscriptions();
    let model: [string, string][] = [];
    for (const { act, who, prefix } of steps) {
      if (act === "add") {
        subscriptions.add(prefix, who);
        model.push([prefix, who]);
      } else if (act === "removeAll") {
        subscriptions.removeAll(who);
        model = model.filter(([, other]) => other !== who);
      } else {
        const at = model.findIndex(([p, w]) => p === prefix && w === who);
        if (at < 0) assertThrows(() => subscriptions.remove(prefix, who), { errno: "ENOENT" });
        else subscriptions.remove(prefix, who);
        if (at >= 0) model.splice(at, 1);
      }
    }
    const expected = new Set(model.filter(([prefix]) => topic.startsWith(prefix)).map(([, who]) => who));
    assertEquals([...subscriptions.matching(topic)].sort(), [...expected].sort());
  }));
});

function request(topic: string, nodeid = 0xffffffff, flags = 0): Message {
  return new Message({
    type: MessageType.request,
    flags,
    userid: 5,
    rolemask: 1,
    aux1: nodeid,
    aux2: 9,
    routes: ["client"],
    topic,
    payload: new Uint8Array([1]),
  });
}

function drained(...requests: Message[]): Message[] {
  const disconnects = new Disconnects();
  for (const one of requests) disconnects.arm(one);
  const messages = disconnects.drain();
  assertEquals(disconnects.drain(), []);
  return messages;
}

Deno.test("Disconnects are one message for each service and address that was used", () => {
  const messages = drained(
    request("kvs.get"),
    request("kvs.put"),
    request("kvs.get", 3),
    request("kvs.get", 1, Flag.upstream),
    request("job.history.get"),
    request("nodot"),
  );
  assertEquals(messages.map(({ topic, nodeid, flags }) => [topic, nodeid, flags]), [
    ["kvs.disconnect", 0xffffffff, Flag.noresponse],
    ["kvs.disconnect", 3, Flag.noresponse],
    ["kvs.disconnect", 1, Flag.noresponse | Flag.upstream],
    ["job.history.disconnect", 0xffffffff, Flag.noresponse],
    ["disconnect", 0xffffffff, Flag.noresponse],
  ]);
});

Deno.test("Disconnects carry the credentials and the route of the request, and no payload", () => {
  const [message] = drained(request("kvs.get", 2, Flag.streaming));
  const { userid, rolemask, routes, payload, matchtag, flags } = message!;
  assertEquals([userid, rolemask, routes, payload, matchtag, flags], [5, 1, ["client"], undefined, 0, Flag.noresponse]);
});

Deno.test("Disconnects are not owed for requests without an answer, nor for endless topics", () => {
  assertEquals(drained(request("kvs.get", 0, Flag.noresponse), request(`kvs.${"x".repeat(300)}`)), []);
});
