import { type AlteredQuotas, alterClientQuotas, quotaEntityOf } from "@ottla/metadata";
import { type AlterClientQuotasRequest, alterClientQuotasApi, type ResponseInput } from "@ottla/protocol";
import { apiHandler, type WholeRequestError } from "../api-handler.ts";
import type { BrokerServices } from "../services/broker-services.ts";
import { outcomesInOrder, partsInOrder } from "../services/client-quota-order.ts";
import { submitWithin } from "../services/submit-within.ts";

/** AlterClientQuotas: sets and removes quotas, each entity on its own. */
export const alterClientQuotasHandler = (broker: BrokerServices) =>
  apiHandler(
    alterClientQuotasApi,
    { minVersion: 0, maxVersion: 1, errorResponse: allFailed },
    async ({ entries, validateOnly }) =>
      answer(await submitWithin(broker, NO_TIMEOUT, (state) => alterClientQuotas(state, entries, validateOnly))),
  );

/** These requests carry no timeout of their own. */
const NO_TIMEOUT = 0;

function allFailed({ entries }: AlterClientQuotasRequest, { errno, message }: WholeRequestError) {
  return answer(entries.map(({ entity }) => ({ entity, errno, message })));
}

function answer(altered: readonly AlteredQuotas[]): ResponseInput<typeof alterClientQuotasApi> {
  const entries = outcomesInOrder(altered).map(({ entity, errno, message }) => ({
    errorCode: errno,
    errorMessage: message,
    entity: partsInOrder(quotaEntityOf(entity)),
  }));
  return { throttleTimeMs: 0, entries };
}
