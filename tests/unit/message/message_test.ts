import { Flag, Message, MessageType, responseTo, Role } from "../../../broker/message/mod.ts";
import { assertEquals } from "../../assert.ts";

const request = new Message({
  type: MessageType.request,
  flags: Flag.streaming | Flag.upstream,
  topic: "job-manager.history.get",
  aux1: 3,
  aux2: 7,
  routes: ["client", "broker"],
  payload: new Uint8Array([1]),
});

Deno.test("Message takes an empty payload for none", () => {
  assertEquals(new Message({ type: MessageType.event, payload: new Uint8Array(0) }).payload, undefined);
});

Deno.test("Message.service is what stands before the first dot", () => {
  assertEquals(request.service, "job-manager");
  assertEquals(new Message({ type: MessageType.request, topic: "disconnect" }).service, "disconnect");
});

Deno.test("Message.sender is the oldest route", () => {
  assertEquals(request.sender, "client");
  assertEquals(new Message({ type: MessageType.request }).sender, "");
});

Deno.test("Message.copy() has a route stack of its own", () => {
  const copy = request.copy();
  assertEquals(copy, request);
  copy.routes.push("next");
  assertEquals(request.routes, ["client", "broker"]);
});

Deno.test("responseTo() keeps topic, matchtag, flags and routes of the request", () => {
  const response = responseTo(request, { userid: 5, rolemask: Role.owner | Role.local }, 2, new Uint8Array([9]));
  assertEquals(
    response,
    new Message({
      type: MessageType.response,
      flags: Flag.streaming | Flag.upstream,
      userid: 5,
      rolemask: 5,
      topic: "job-manager.history.get",
      aux1: 2,
      aux2: 7,
      routes: ["client", "broker"],
      payload: new Uint8Array([9]),
    }),
  );
  response.routes.pop();
  assertEquals(request.routes.length, 2);
});
