/** The parts of an answer in which errors stand. */
interface Answer {
  readonly errorCode?: number;
  readonly partitionErrorCode?: number;
}

/** By which names parts stand in parts. */
const PARTS = [
  ...["topics", "responses", "partitions", "partitionResponses", "groups", "members", "coordinators"],
  ...["markers", "resultsByTransaction", "resultsByTopicV3AndBelow", "topicResults", "results", "resultsByPartition"],
] as const;

type Parts = Readonly<Partial<Record<string, readonly Answer[]>>>;

/** The first error in an answer; 0 where there is none. */
export function errorIn(answer: unknown): number {
  const { errorCode, partitionErrorCode } = answer as Answer;
  if (errorCode || partitionErrorCode) return errorCode || partitionErrorCode!;
  for (const name of PARTS) {
    for (const part of (answer as Parts)[name] ?? []) {
      const inPart = errorIn(part);
      if (inPart !== 0) return inPart;
    }
  }
  return 0;
}
