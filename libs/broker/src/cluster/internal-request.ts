import {
  type ApiDefinition,
  ByteReader,
  ByteWriter,
  type Message,
  type RequestInput,
  type ResponseInput,
  type ResponseOf,
} from "@ottla/protocol";
import type { ServerConnection } from "@ottla/transport";
import { type Answer, type AnyApiHandler, Later, NO_RESPONSE, Reply, type RequestContext } from "../api-handler.ts";

type AnyMessage = Message<unknown, unknown>;

/** What stands for a client's connection where a request does not come over one. */
const NO_CONNECTION: ServerConnection = {
  id: -1,
  listenerName: "",
  kind: "memory",
  remoteAddress: "this process",
  advertised: { host: "", port: -1 },
  clientSoftwareName: "",
  clientSoftwareVersion: "",
  traffic: {
    openedAtMs: 0,
    lastActiveMs: 0,
    requestsCount: 0,
    requestsInFlight: 0,
    receivedBytes: 0,
    sentBytes: 0,
    throttledUntilMs: 0,
    clientId: "",
  },
  throttle() {},
  signal: new AbortController().signal,
  close() {},
  reset() {},
};

/** The context of a request that this broker makes to itself. */
export function internalContext(apiVersion: number, receivedAtMs: number, clientId = ""): RequestContext {
  const { signal } = NO_CONNECTION;
  return { connection: NO_CONNECTION, apiVersion, clientId, receivedAtMs, signal, releaseFrame() {} };
}

/** Has a handler of this broker answer a request, as if both had come over the wire. */
export async function handleInternally<Api extends ApiDefinition>(
  handler: AnyApiHandler,
  api: Api,
  body: RequestInput<Api>,
  context: RequestContext,
): Promise<ResponseOf<Api>> {
  const request = roundTrip(api.request as AnyMessage, body, context.apiVersion);
  const response = await answerOf(handler.handle(request as never, context));
  return roundTrip(api.response as AnyMessage, response, context.apiVersion) as ResponseOf<Api>;
}

/** The response of a handler whatever way it gives it. */
export async function answerOf<Api extends ApiDefinition>(result: unknown): Promise<ResponseInput<Api>> {
  const answer = (await (result instanceof Later ? result.response : result)) as Answer<ResponseInput<Api>>;
  if (answer === NO_RESPONSE) throw new Error("the request was not answered");
  if (!(answer instanceof Reply)) return answer;
  answer.onDone();
  return answer.response;
}

/** As the other side reads it: with the fields that were left out. */
function roundTrip(message: AnyMessage, value: unknown, version: number): unknown {
  const writer = new ByteWriter();
  message.encode(writer, value, version);
  return message.decode(new ByteReader(writer.toUint8Array()), version);
}
