import { apiMessage } from "../schema/api.ts";
import { array, bool, int16, int32, int64, string, uuid } from "../schema/field.ts";
import { type Infer, message } from "../schema/message.ts";

/** Asks for the offsets a group has committed; several groups at once from v8. */
export const offsetFetchRequest = message(
  { name: "OffsetFetchRequest", validVersions: "1-10", flexibleVersions: "6+" },
  {
    groupId: string({ versions: "0-7" }),
    topics: array({ name: string(), partitionIndexes: array(int32()) }, { versions: "0-7", nullable: "2-7" }),
    groups: array(
      {
        groupId: string(),
        memberId: string({ versions: "9+", nullable: "9+", ignorable: true, default: null }),
        memberEpoch: int32({ versions: "9+", ignorable: true, default: -1 }),
        topics: array(
          {
            name: string({ versions: "8-9", ignorable: true }),
            topicId: uuid({ versions: "10+", ignorable: true }),
            partitionIndexes: array(int32()),
          },
          { nullable: "8+" },
        ),
      },
      { versions: "8+" },
    ),
    requireStable: bool({ versions: "7+", default: false }),
  },
);

/** Committed offsets; -1 where there is none. */
export const offsetFetchResponse = message(
  { name: "OffsetFetchResponse", validVersions: "1-10", flexibleVersions: "6+" },
  {
    throttleTimeMs: int32({ versions: "3+", ignorable: true }),
    topics: array(
      {
        name: string(),
        partitions: array({
          partitionIndex: int32(),
          committedOffset: int64(),
          committedLeaderEpoch: int32({ versions: "5-7", ignorable: true, default: -1 }),
          metadata: string({ nullable: "0-7" }),
          errorCode: int16(),
        }),
      },
      { versions: "0-7" },
    ),
    errorCode: int16({ versions: "2-7", ignorable: true, default: 0 }),
    groups: array(
      {
        groupId: string(),
        topics: array({
          name: string({ versions: "8-9", ignorable: true }),
          topicId: uuid({ versions: "10+", ignorable: true }),
          partitions: array({
            partitionIndex: int32(),
            committedOffset: int64(),
            committedLeaderEpoch: int32({ default: -1 }),
            metadata: string({ nullable: "8+" }),
            errorCode: int16(),
          }),
        }),
        errorCode: int16({ default: 0 }),
      },
      { versions: "8+" },
    ),
  },
);

export const offsetFetchApi = apiMessage({
  key: 9,
  name: "OffsetFetch",
  request: offsetFetchRequest,
  response: offsetFetchResponse,
});

export interface OffsetFetchRequest extends Infer<typeof offsetFetchRequest> {}
export interface OffsetFetchResponse extends Infer<typeof offsetFetchResponse> {}
