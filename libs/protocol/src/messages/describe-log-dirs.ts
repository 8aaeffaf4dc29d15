import { apiMessage } from "../schema/api.ts";
import { array, bool, int16, int32, int64, string } from "../schema/field.ts";
import { type Infer, message } from "../schema/message.ts";

/** Asks what lies in a broker's log directories. */
export const describeLogDirsRequest = message(
  { name: "DescribeLogDirsRequest", validVersions: "1-5", flexibleVersions: "2+" },
  { topics: array({ topic: string(), partitions: array(int32()) }, { nullable: "0+" }) },
);

/** Sizes of the directories and replicas. */
export const describeLogDirsResponse = message(
  { name: "DescribeLogDirsResponse", validVersions: "1-5", flexibleVersions: "2+" },
  {
    throttleTimeMs: int32(),
    errorCode: int16({ versions: "3+", ignorable: true }),
    results: array({
      errorCode: int16(),
      logDir: string(),
      topics: array({
        name: string(),
        partitions: array({ partitionIndex: int32(), partitionSize: int64(), offsetLag: int64(), isFutureKey: bool() }),
      }),
      totalBytes: int64({ versions: "4+", ignorable: true, default: -1 }),
      usableBytes: int64({ versions: "4+", ignorable: true, default: -1 }),
      isCordoned: bool({ versions: "5+", ignorable: true, default: false }),
    }),
  },
);

export const describeLogDirsApi = apiMessage({
  key: 35,
  name: "DescribeLogDirs",
  request: describeLogDirsRequest,
  response: describeLogDirsResponse,
});

export interface DescribeLogDirsRequest extends Infer<typeof describeLogDirsRequest> {}
export interface DescribeLogDirsResponse extends Infer<typeof describeLogDirsResponse> {}
