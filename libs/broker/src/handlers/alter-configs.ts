import { type AlteredResource, type ConfigResource, incrementalAlterConfigs, replaceConfigs } from "@ottla/metadata";
import { alterConfigsApi, incrementalAlterConfigsApi } from "@ottla/protocol";
import { apiHandler, type WholeRequestError } from "../api-handler.ts";
import type { BrokerServices } from "../services/broker-services.ts";
import { submitWithin } from "../services/submit-within.ts";

/** IncrementalAlterConfigs: sets, deletes, appends to and subtracts from single configs, each resource on its own. */
export const incrementalAlterConfigsHandler = (broker: BrokerServices) =>
  apiHandler(
    incrementalAlterConfigsApi,
    { minVersion: 0, maxVersion: 1, errorResponse: ({ resources }, error) => allFailed(resources, error) },
    async ({ resources, validateOnly }) =>
      answer(
        await submitWithin(broker, NO_TIMEOUT, (state) => incrementalAlterConfigs(state, resources, validateOnly)),
      ),
  );

/** AlterConfigs: what is given is all that stays set. */
export const alterConfigsHandler = (broker: BrokerServices) =>
  apiHandler(
    alterConfigsApi,
    { minVersion: 0, maxVersion: 2, errorResponse: ({ resources }, error) => allFailed(resources, error) },
    async ({ resources, validateOnly }) =>
      answer(await submitWithin(broker, NO_TIMEOUT, (state) => replaceConfigs(state, resources, validateOnly))),
  );

/** These requests carry no timeout of their own. */
const NO_TIMEOUT = 0;

function allFailed(resources: readonly ConfigResource[], { errno, message }: WholeRequestError) {
  return answer(resources.map(({ resourceType, resourceName }) => ({ resourceType, resourceName, errno, message })));
}

function answer(altered: readonly AlteredResource[]) {
  const responses = altered.map(({ resourceType, resourceName, errno, message }) => ({
    errorCode: errno,
    errorMessage: message,
    resourceType,
    resourceName,
  }));
  return { throttleTimeMs: 0, responses };
}
