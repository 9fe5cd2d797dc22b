/** The way in: what a client, a module or a native service uses to talk to a session. */
export { type Channel, type ChannelEvents } from "./channel.ts";
export { Event } from "./event.ts";
export { Handle, type HandleOptions, type RpcOptions } from "./handle.ts";
export { ResponseStream } from "./response_stream.ts";
export {
  decodeTaskNews,
  decodeTaskNote,
  encodeTaskNews,
  encodeTaskNote,
  type RankNews,
  type TaskNote,
} from "./exec_wire.ts";
export {
  formatLogLine,
  formatTime,
  isAppName,
  type LogLine,
  parseLevel,
  parseLogLine,
  readableLogLine,
  severityOf,
  severityOfLine,
} from "./log_line.ts";
export { type ByteStream, connectionLost, isBroken, MessageStream } from "./message_stream.ts";
export { Answer, type MrpcOptions, MrpcStream, type Reduced } from "./mrpc.ts";
export {
  type Answers,
  type Caller,
  type CallHeader,
  decodeAnswers,
  decodeCall,
  decodeNotes,
  encodeAnswers,
  encodeCall,
  encodeNotes,
  failure,
  mergeEqual,
  type Note,
  type ReceivedCall,
} from "./mrpc_wire.ts";
export { open } from "./open.ts";
export { Queue } from "./queue.ts";
export {
  LOG_LEVELS,
  type LogLevel,
  type Module,
  type ModuleAttribute,
  type ModuleContext,
  type ModulePorts,
  type Owner,
  type Running,
} from "./module.ts";
export { type Cause, Reduction, type ReductionRules, scaledTimeout, type Step } from "./reduce.ts";
export { Reducer, type TreePosition } from "./reducer.ts";
export { type Access, anyone, type Handler, type Method, type Methods, type Reply, Request, user } from "./request.ts";
export { until } from "./until.ts";
export {
  booleanField,
  idsetField,
  integerField,
  objectField,
  optionalInteger,
  optionalString,
  stringField,
  stringsField,
} from "./fields.ts";
export { MeetingPlace, type MeetingPlaceOptions, type Party } from "./meeting_place.ts";
export { type Meeting } from "./meetings.ts";
export { readParty, userOf } from "./party.ts";
export { type HostedTask, type TaskNews, type Tasks, type TaskStart } from "./tasks.ts";
export { type Outcome, type Terms } from "./rendezvous.ts";
