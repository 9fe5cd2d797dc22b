import { errnum, Flag, Message, MessageType, responseTo } from "../../../broker/message/mod.ts";
import { Pending } from "../../../broker/router/pending.ts";
import { assertEquals } from "../../assert.ts";

function request(sender: string, tag: number, more: { topic?: string; flags?: number; nodeid?: number } = {}): Message {
  const { topic = "x.y", flags = 0, nodeid = 3 } = more;
  return new Message({ type: MessageType.request, flags, aux1: nodeid, aux2: tag, routes: [sender, "broker"], topic });
}

const answer = (to: Message, errnum = 0) => responseTo(to, { userid: 0, rolemask: 1 }, errnum);
const open = (pending: Pending) => pending.drain().map(({ sender, matchtag }) => `${sender}:${matchtag}`);

Deno.test("Pending.drain() returns what was sent and not answered, once", () => {
  const pending = new Pending();
  for (const [sender, tag] of [["a", 1], ["a", 2], ["b", 1]] as const) pending.sent(request(sender, tag));
  assertEquals(pending.size, 3);
  pending.answered(answer(request("a", 1)));
  assertEquals(open(pending), ["a:2", "b:1"]);
  assertEquals([pending.size, open(pending)], [0, []]);
});

Deno.test("Pending keeps the routes as they were when the request was sent", () => {
  const pending = new Pending(), message = request("a", 1);
  pending.sent(message);
  message.routes.push("next");
  assertEquals(pending.drain()[0]!.routes, ["a", "broker"]);
});

Deno.test("Pending.answered() ends a stream with its last response only", () => {
  const pending = new Pending(), stream = request("a", 1, { flags: Flag.streaming });
  pending.sent(stream);
  pending.answered(answer(stream));
  pending.answered(answer(stream));
  assertEquals(pending.size, 1);
  pending.answered(answer(stream, errnum("ENODATA")));
  assertEquals(pending.size, 0);
});

Deno.test("Pending ignores requests that nobody answers, and answers to none", () => {
  const pending = new Pending();
  pending.sent(request("a", 0, { flags: Flag.noresponse }));
  pending.answered(answer(request("a", 9)));
  pending.forget(request("z", 1));
  assertEquals(pending.size, 0);
});

Deno.test("Pending ends what a sender had open at a service that it disconnects from", () => {
  const pending = new Pending();
  pending.sent(request("a", 1));
  pending.sent(request("a", 2, { topic: "z.y" }));
  pending.sent(request("a", 3, { nodeid: 4 }));
  pending.sent(request("b", 1));
  pending.sent(request("a", 0, { topic: "x.disconnect", flags: Flag.noresponse }));
  assertEquals(pending.size, 3);
  assertEquals(open(pending), ["a:2", "a:3", "b:1"]);
});

Deno.test("Pending takes a matchtag that is used again for one request", () => {
  const pending = new Pending();
  pending.sent(request("a", 1));
  pending.sent(request("a", 1));
  assertEquals(pending.size, 1);
});

Deno.test("Pending.answered() leaves a request alone whose matchtag was that of an earlier one, which came another way", () => {
  const pending = new Pending(), earlier = request("a", 1), later = request("a", 1);
  earlier.routes.push("elsewhere");
  pending.sent(later);
  pending.answered(answer(earlier));
  assertEquals(pending.size, 1);
  pending.answered(answer(later));
  assertEquals(pending.size, 0);
});
