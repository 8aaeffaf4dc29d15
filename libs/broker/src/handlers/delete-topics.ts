import { deleteTopics, type TopicReference } from "@ottla/metadata";
import { type DeleteTopicsRequest, deleteTopicsApi, ErrorCode, type ResponseInput, ZERO_UUID } from "@ottla/protocol";
import { apiHandler, type WholeRequestError } from "../api-handler.ts";
import type { BrokerServices } from "../services/broker-services.ts";
import { requireTime, submitWithin } from "../services/submit-within.ts";

type DeleteTopicsResponseInput = ResponseInput<typeof deleteTopicsApi>;

/** From here on topics are named by name or id. */
const FIRST_VERSION_WITH_IDS = 6;
const FIRST_VERSION_WITH_DELETION_DISABLED = 3;
/** From here on a client may be refused with THROTTLING_QUOTA_EXCEEDED; before it is only told to wait. */
const FIRST_STRICT_VERSION = 5;

/** DeleteTopics: each topic on its own. The answer comes when nothing of the topics is served here any more; their logs go after it. */
export const deleteTopicsHandler = (broker: BrokerServices) =>
  apiHandler(
    deleteTopicsApi,
    { minVersion: 1, maxVersion: 6, errorResponse: wholeRequestFailed },
    async (request, { apiVersion, clientId }) => {
      requireTime(request.timeoutMs);
      const references = referencesOf(request, apiVersion);
      const allowance = broker.quotas.mutations(clientId, apiVersion >= FIRST_STRICT_VERSION);
      const deleted = await submitWithin(broker, request.timeoutMs, (state) =>
        deleteTopics(state, references, allowance.begin()),
      );
      const responses = deleted.map(({ name, topicId, errno, message }) => ({
        name,
        topicId,
        errorCode: errno,
        errorMessage: message,
      }));
      return { throttleTimeMs: allowance.throttleTimeMs, responses };
    },
  );

function referencesOf({ topics, topicNames }: DeleteTopicsRequest, apiVersion: number): readonly TopicReference[] {
  return apiVersion >= FIRST_VERSION_WITH_IDS ? topics : topicNames.map((name) => ({ name, topicId: ZERO_UUID }));
}

function wholeRequestFailed(
  request: DeleteTopicsRequest,
  { errno, message }: WholeRequestError,
  version: number,
): DeleteTopicsResponseInput {
  const isUnknownCode = errno === ErrorCode.TOPIC_DELETION_DISABLED && version < FIRST_VERSION_WITH_DELETION_DISABLED;
  const errorCode = isUnknownCode ? ErrorCode.INVALID_REQUEST : errno;
  const responses = referencesOf(request, version).map((reference) => ({
    ...reference,
    errorCode,
    errorMessage: message,
  }));
  return { throttleTimeMs: 0, responses };
}
