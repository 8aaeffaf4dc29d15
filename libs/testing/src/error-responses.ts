import {
  type ApiDefinition,
  addPartitionsToTxnApi,
  createPartitionsApi,
  createTopicsApi,
  deleteGroupsApi,
  deleteRecordsApi,
  deleteTopicsApi,
  describeConfigsApi,
  describeGroupsApi,
  findCoordinatorApi,
  includesVersion,
  incrementalAlterConfigsApi,
  listOffsetsApi,
  offsetCommitApi,
  offsetFetchApi,
  produceApi,
  type RequestOf,
  type ResponseInput,
  txnOffsetCommitApi,
} from "@ottla/protocol";
import { parseVersions } from "@ottla/protocol/internal";

type Build = (request: unknown, errorCode: number, version: number) => unknown;

/** APIs whose responses have an error for each thing that was asked for. */
const BUILDERS = new Map<ApiDefinition, Build>();

function build<Api extends ApiDefinition>(
  api: Api,
  make: (request: RequestOf<Api>, errorCode: number, version: number) => ResponseInput<Api>,
): void {
  BUILDERS.set(api, make as Build);
}

build(produceApi, ({ topicData }, errorCode) => ({
  responses: topicData.map(({ name, topicId, partitionData }) => ({
    ...{ name, topicId },
    partitionResponses: partitionData.map(({ index }) => ({ index, errorCode, baseOffset: -1 })),
  })),
}));
build(listOffsetsApi, ({ topics }, errorCode) => ({
  topics: topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })),
  })),
}));
build(offsetCommitApi, ({ topics }, errorCode) => ({
  topics: topics.map(({ name, topicId, partitions }) => ({
    ...{ name, topicId },
    partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })),
  })),
}));
build(txnOffsetCommitApi, ({ topics }, errorCode) => ({
  throttleTimeMs: 0,
  topics: topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })),
  })),
}));
build(offsetFetchApi, ({ groups }, errorCode, version) =>
  version < 8 ? { errorCode } : { groups: groups.map(({ groupId }) => ({ groupId, topics: [], errorCode })) },
);
build(addPartitionsToTxnApi, ({ v3AndBelowTopics, transactions }, errorCode, version) => {
  const resultsOf = (topics: readonly { readonly name: string; readonly partitions: readonly number[] }[]) =>
    topics.map(({ name, partitions }) => ({
      name,
      resultsByPartition: partitions.map((partitionIndex) => ({ partitionIndex, partitionErrorCode: errorCode })),
    }));
  if (version < 4) return { throttleTimeMs: 0, resultsByTopicV3AndBelow: resultsOf(v3AndBelowTopics) };
  return {
    throttleTimeMs: 0,
    resultsByTransaction: transactions.map(({ transactionalId, topics }) => ({
      transactionalId,
      topicResults: resultsOf(topics),
    })),
  };
});
build(createTopicsApi, ({ topics }, errorCode) => ({
  throttleTimeMs: 0,
  topics: topics.map(({ name }) => ({ name, errorCode, errorMessage: null })),
}));
build(deleteTopicsApi, ({ topics, topicNames }, errorCode) => ({
  throttleTimeMs: 0,
  responses: [...topics, ...topicNames.map((name) => ({ name }))].map((topic) => ({
    ...topic,
    ...{ errorCode, errorMessage: null },
  })),
}));
build(createPartitionsApi, ({ topics }, errorCode) => ({
  throttleTimeMs: 0,
  results: topics.map(({ name }) => ({ name, errorCode })),
}));
build(deleteRecordsApi, ({ topics }, errorCode) => ({
  throttleTimeMs: 0,
  topics: topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, lowWatermark: -1, errorCode })),
  })),
}));
build(describeConfigsApi, ({ resources }, errorCode) => ({
  throttleTimeMs: 0,
  results: resources.map(({ resourceType, resourceName }) => ({
    ...{ resourceType, resourceName, errorCode },
    ...{ errorMessage: null, configs: [] },
  })),
}));
build(incrementalAlterConfigsApi, ({ resources }, errorCode) => ({
  throttleTimeMs: 0,
  responses: resources.map(({ resourceType, resourceName }) => ({
    ...{ resourceType, resourceName, errorCode },
    errorMessage: null,
  })),
}));
build(describeGroupsApi, ({ groups }, errorCode) => ({
  groups: groups.map((groupId) => ({
    ...{ groupId, errorCode },
    ...{ groupState: "", protocolType: "", protocolData: "", members: [] },
  })),
}));
build(deleteGroupsApi, ({ groupsNames }, errorCode) => ({
  throttleTimeMs: 0,
  results: groupsNames.map((groupId) => ({ groupId, errorCode })),
}));
build(findCoordinatorApi, ({ key, coordinatorKeys }, errorCode, version) => {
  const nobody = { nodeId: -1, host: "", port: -1, errorCode, errorMessage: null };
  return version < 4
    ? nobody
    : { coordinators: [key, ...coordinatorKeys].filter(Boolean).map((each) => ({ key: each, ...nobody })) };
});

/** The response to a request that fails with this error; null where the API has none for a whole request. */
export function errorResponse(api: ApiDefinition, request: unknown, errorCode: number, version: number): unknown {
  const make = BUILDERS.get(api);
  if (make !== undefined) return make(request, errorCode, version);
  return hasTopLevelError(api, version) ? { errorCode } : null;
}

function hasTopLevelError(api: ApiDefinition, version: number): boolean {
  const field = api.response.fields.errorCode;
  return (
    field !== undefined && (field.versions === undefined || includesVersion(parseVersions(field.versions), version))
  );
}
