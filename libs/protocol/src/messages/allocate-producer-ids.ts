import { apiMessage } from "../schema/api.ts";
import { int16, int32, int64 } from "../schema/field.ts";
import { type Infer, message } from "../schema/message.ts";

/** Broker to controller: asks for a block of producer ids. */
export const allocateProducerIdsRequest = message(
  { name: "AllocateProducerIdsRequest", validVersions: "0", flexibleVersions: "0+" },
  { brokerId: int32(), brokerEpoch: int64({ default: -1 }) },
);

/** The block. */
export const allocateProducerIdsResponse = message(
  { name: "AllocateProducerIdsResponse", validVersions: "0", flexibleVersions: "0+" },
  { throttleTimeMs: int32(), errorCode: int16(), producerIdStart: int64(), producerIdLen: int32() },
);

export const allocateProducerIdsApi = apiMessage({
  key: 67,
  name: "AllocateProducerIds",
  request: allocateProducerIdsRequest,
  response: allocateProducerIdsResponse,
});

export interface AllocateProducerIdsRequest extends Infer<typeof allocateProducerIdsRequest> {}
export interface AllocateProducerIdsResponse extends Infer<typeof allocateProducerIdsResponse> {}
