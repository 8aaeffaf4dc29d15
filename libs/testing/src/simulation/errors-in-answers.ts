/** The parts of an answer in which errors stand. */
interface Answer {
  readonly errorCode?: number;
  readonly topics?: readonly Answer[];
  readonly responses?: readonly Answer[];
  readonly partitions?: readonly Answer[];
  readonly partitionResponses?: readonly Answer[];
  readonly groups?: readonly Answer[];
  readonly members?: readonly Answer[];
  readonly coordinators?: readonly Answer[];
}

/** The first error in an answer; 0 where there is none. */
export function errorIn(answer: unknown): number {
  const {
    errorCode,
    topics = [],
    responses = [],
    partitions = [],
    partitionResponses = [],
    ...rest
  } = answer as Answer;
  if (errorCode) return errorCode;
  const { groups = [], members = [], coordinators = [] } = rest;
  const parts = [...topics, ...responses, ...partitions, ...partitionResponses, ...groups, ...members, ...coordinators];
  for (const part of parts) {
    const inPart = errorIn(part);
    if (inPart !== 0) return inPart;
  }
  return 0;
}
