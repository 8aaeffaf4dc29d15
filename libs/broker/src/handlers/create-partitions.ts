import { createPartitions } from "@ottla/metadata";
import { type CreatePartitionsRequest, createPartitionsApi, type ResponseInput } from "@ottla/protocol";
import { apiHandler, type WholeRequestError } from "../api-handler.ts";
import type { BrokerServices } from "../services/broker-services.ts";
import { requireTime, submitWithin } from "../services/submit-within.ts";

/** CreatePartitions: adds partitions to topics, each topic on its own. */
export const createPartitionsHandler = (broker: BrokerServices) =>
  apiHandler(
    createPartitionsApi,
    { minVersion: 0, maxVersion: 3, errorResponse: wholeRequestFailed },
    async ({ topics, validateOnly, timeoutMs }) => {
      requireTime(timeoutMs);
      const input = { topics, validateOnly };
      const outcomes = await submitWithin(broker, timeoutMs, (state) => createPartitions(state, input));
      const results = outcomes.map(({ name, errno, message }) => ({ name, errorCode: errno, errorMessage: message }));
      return { throttleTimeMs: 0, results };
    },
  );

function wholeRequestFailed(
  { topics }: CreatePartitionsRequest,
  { errno, message }: WholeRequestError,
): ResponseInput<typeof createPartitionsApi> {
  const results = topics.map(({ name }) => ({ name, errorCode: errno, errorMessage: message }));
  return { throttleTimeMs: 0, results };
}
