import { createPartitions } from "@ottla/metadata";
import { type CreatePartitionsRequest, createPartitionsApi, type ResponseInput } from "@ottla/protocol";
import { apiHandler, type WholeRequestError } from "../api-handler.ts";
import type { BrokerServices } from "../services/broker-services.ts";
import { requireTime, submitWithin } from "../services/submit-within.ts";

/** From here on a client may be refused with THROTTLING_QUOTA_EXCEEDED; before it is only told to wait. */
const FIRST_STRICT_VERSION = 3;

/** CreatePartitions: adds partitions to topics, each topic on its own. */
export const createPartitionsHandler = (broker: BrokerServices) =>
  apiHandler(
    createPartitionsApi,
    { minVersion: 0, maxVersion: 3, errorResponse: wholeRequestFailed },
    async ({ topics, validateOnly, timeoutMs }, { apiVersion, clientId }) => {
      requireTime(timeoutMs);
      const input = { topics, validateOnly };
      const allowance = broker.quotas.mutations(clientId, apiVersion >= FIRST_STRICT_VERSION);
      const outcomes = await submitWithin(broker, timeoutMs, (state) =>
        createPartitions(state, input, allowance.begin()),
      );
      const results = outcomes.map(({ name, errno, message }) => ({ name, errorCode: errno, errorMessage: message }));
      return { throttleTimeMs: allowance.throttleTimeMs, results };
    },
  );

function wholeRequestFailed(
  { topics }: CreatePartitionsRequest,
  { errno, message }: WholeRequestError,
): ResponseInput<typeof createPartitionsApi> {
  const results = topics.map(({ name }) => ({ name, errorCode: errno, errorMessage: message }));
  return { throttleTimeMs: 0, results };
}
