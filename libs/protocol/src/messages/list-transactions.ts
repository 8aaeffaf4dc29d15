import { apiMessage } from "../schema/api.ts";
import { array, int16, int32, int64, string } from "../schema/field.ts";
import { type Infer, message } from "../schema/message.ts";

/** Asks for the transactional ids of this coordinator. */
export const listTransactionsRequest = message(
  { name: "ListTransactionsRequest", validVersions: "0-2", flexibleVersions: "0+" },
  {
    stateFilters: array(string()),
    producerIdFilters: array(int64()),
    durationFilter: int64({ versions: "1+", default: -1 }),
    transactionalIdPattern: string({ versions: "2+", nullable: "2+", default: null }),
  },
);

/** Transactional ids and their states. */
export const listTransactionsResponse = message(
  { name: "ListTransactionsResponse", validVersions: "0-2", flexibleVersions: "0+" },
  {
    throttleTimeMs: int32(),
    errorCode: int16(),
    unknownStateFilters: array(string()),
    transactionStates: array({ transactionalId: string(), producerId: int64(), transactionState: string() }),
  },
);

export const listTransactionsApi = apiMessage({
  key: 66,
  name: "ListTransactions",
  request: listTransactionsRequest,
  response: listTransactionsResponse,
});

export interface ListTransactionsRequest extends Infer<typeof listTransactionsRequest> {}
export interface ListTransactionsResponse extends Infer<typeof listTransactionsResponse> {}
