import { concatBytes, decodeRequestHeader, ErrorCode, encodeResponse, envelopeApi, KafkaError } from "@ottla/protocol";
import { requestHeaderVersionOf } from "@ottla/protocol/internal";
import { SIZE_PREFIX_BYTES } from "@ottla/transport";
import { apiHandler, type RequestContext } from "../api-handler.ts";
import { answerOf } from "../cluster/internal-request.ts";
import { errorResponseOf, type UntypedHandler } from "../dispatch/error-response.ts";
import type { BrokerServices } from "../services/broker-services.ts";

/** Envelope (KIP-590), for brokers: a client's request that another broker passes on to the controller. */
export const envelopeHandler = (
  { controller }: Pick<BrokerServices, "controller">,
  forwardable: ReadonlyMap<number, unknown>,
) =>
  apiHandler(envelopeApi, { minVersion: 0, maxVersion: 0, advertised: false }, async ({ requestData }, context) => {
    if (!controller.isActive) throw KafkaError.fromCode(ErrorCode.NOT_CONTROLLER);
    const { header, body } = decodeRequestHeader(requestData, requestHeaderVersionOf);
    const { requestApiKey, requestApiVersion: apiVersion, correlationId, clientId } = header;
    const handler = forwardable.get(requestApiKey) as UntypedHandler | undefined;
    if (handler === undefined || apiVersion < handler.minVersion || apiVersion > handler.maxVersion) {
      throw KafkaError.fromCode(ErrorCode.INVALID_REQUEST, `API ${requestApiKey} v${apiVersion} is not forwarded`);
    }
    const { signal, connection, receivedAtMs } = context;
    const forwardedContext = {
      ...{ connection, receivedAtMs, signal, apiVersion, clientId: clientId ?? "" },
      releaseFrame() {},
    };
    const response = await answer(handler, handler.api.request.decode(body, apiVersion), forwardedContext);
    const frame = concatBytes(encodeResponse(handler.api, apiVersion, correlationId, response as never));
    return { responseData: frame.subarray(SIZE_PREFIX_BYTES), errorCode: ErrorCode.NONE };
  });

/** An error of the whole request is its sender's to see; that this broker is not controller is the forwarder's. */
async function answer(handler: UntypedHandler, request: unknown, context: RequestContext): Promise<unknown> {
  try {
    return await answerOf(handler.handle(request, context));
  } catch (error) {
    if (!(error instanceof KafkaError) || error.errno === ErrorCode.NOT_CONTROLLER) throw error;
    const response = errorResponseOf(handler, request, error, context.apiVersion);
    if (response === null) throw error;
    return response;
  }
}
