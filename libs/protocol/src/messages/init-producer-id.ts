import { apiMessage } from "../schema/api.ts";
import { bool, int16, int32, int64, string } from "../schema/field.ts";
import { type Infer, message } from "../schema/message.ts";

/** Asks for a producer id and epoch, for idempotence or transactions. v6 (KIP-939) is not served yet. */
export const initProducerIdRequest = message(
  { name: "InitProducerIdRequest", validVersions: "0-6", flexibleVersions: "2+" },
  {
    transactionalId: string({ nullable: "0+" }),
    transactionTimeoutMs: int32(),
    producerId: int64({ versions: "3+", default: -1 }),
    producerEpoch: int16({ versions: "3+", default: -1 }),
    enable2Pc: bool({ versions: "6+", default: false }),
    keepPreparedTxn: bool({ versions: "6+", default: false }),
  },
);

/** Producer id and epoch. */
export const initProducerIdResponse = message(
  { name: "InitProducerIdResponse", validVersions: "0-6", flexibleVersions: "2+" },
  {
    throttleTimeMs: int32(),
    errorCode: int16(),
    producerId: int64({ default: -1 }),
    producerEpoch: int16(),
    ongoingTxnProducerId: int64({ versions: "6+", default: -1 }),
    ongoingTxnProducerEpoch: int16({ versions: "6+", default: -1 }),
  },
);

export const initProducerIdApi = apiMessage({
  key: 22,
  name: "InitProducerId",
  versions: "0-5",
  request: initProducerIdRequest,
  response: initProducerIdResponse,
});

export interface InitProducerIdRequest extends Infer<typeof initProducerIdRequest> {}
export interface InitProducerIdResponse extends Infer<typeof initProducerIdResponse> {}
