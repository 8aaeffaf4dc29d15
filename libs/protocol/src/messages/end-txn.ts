import { apiMessage } from "../schema/api.ts";
import { bool, int16, int32, int64, string } from "../schema/field.ts";
import { type Infer, message } from "../schema/message.ts";

/** Commits or aborts a transaction. */
export const endTxnRequest = message(
  { name: "EndTxnRequest", validVersions: "0-5", flexibleVersions: "3+" },
  { transactionalId: string(), producerId: int64(), producerEpoch: int16(), committed: bool() },
);

/** Result; from v5 the producer id and epoch to go on with. */
export const endTxnResponse = message(
  { name: "EndTxnResponse", validVersions: "0-5", flexibleVersions: "3+" },
  {
    throttleTimeMs: int32(),
    errorCode: int16(),
    producerId: int64({ versions: "5+", ignorable: true, default: -1 }),
    producerEpoch: int16({ versions: "5+", ignorable: true, default: -1 }),
  },
);

export const endTxnApi = apiMessage({
  key: 26,
  name: "EndTxn",
  request: endTxnRequest,
  response: endTxnResponse,
});

export interface EndTxnRequest extends Infer<typeof endTxnRequest> {}
export interface EndTxnResponse extends Infer<typeof endTxnResponse> {}
