import { unregisterBroker } from "@ottla/metadata";
import { ErrorCode, unregisterBrokerApi } from "@ottla/protocol";
import { apiHandler } from "../api-handler.ts";
import type { BrokerServices } from "../services/broker-services.ts";
import { submitWithin } from "../services/submit-within.ts";

/** This request carries no timeout of its own. */
const NO_TIMEOUT = 0;

/** UnregisterBroker: the cluster forgets a broker that will not come back. */
export const unregisterBrokerHandler = (broker: BrokerServices) =>
  apiHandler(unregisterBrokerApi, { minVersion: 0, maxVersion: 0 }, async ({ brokerId }) => {
    await submitWithin(broker, NO_TIMEOUT, (state) => unregisterBroker(state, brokerId));
    return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, errorMessage: null };
  });
