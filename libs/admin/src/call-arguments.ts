import {
  checkCallOptions,
  checkedList,
  describe,
  type Fields,
  invalidArgument,
  wrongField,
} from "@ottla/client/internal";

const PARTITION = { topic: "string", partition: "integer" } as const;
const RESOURCE = { type: "string", name: "string" } as const;
const TOPIC_ID = { topicId: "string" } as const;
const VALIDATE = { validateOnly: "boolean?" } as const;
const DESPITE_QUOTA = { retryOnQuotaViolation: "boolean?" } as const;
const TEXTS = "strings";

interface ListRule {
  readonly texts?: typeof TEXTS;
  readonly fields?: Fields;
  /** Its items have no other fields: one that is mistyped would be left to a default. */
  readonly isClosed?: true;
  /** Its options, besides those that all calls have. */
  readonly options?: Fields;
}

/** What the calls of the admin client take lists of. */
const RULES = {
  createTopics: {
    fields: {
      name: "string",
      partitions: "integer?",
      replicationFactor: "integer?",
      assignments: "list?",
      configs: "object?",
    },
    isClosed: true,
    options: { ...VALIDATE, ...DESPITE_QUOTA },
  },
  deleteTopics: { texts: TEXTS, fields: TOPIC_ID, options: DESPITE_QUOTA },
  describeTopics: { texts: TEXTS, fields: TOPIC_ID, options: { partitionsPerResponse: "integer?" } },
  createPartitions: {
    fields: { topic: "string", count: "integer", assignments: "list?" },
    options: { ...VALIDATE, ...DESPITE_QUOTA },
  },
  alterPartitionReassignments: { fields: { ...PARTITION, replicas: "list|null" } },
  listPartitionReassignments: { fields: PARTITION },
  deleteRecords: { fields: PARTITION },
  describeConfigs: {
    fields: { ...RESOURCE, keys: "list?" },
    options: { includeSynonyms: "boolean?", includeDocumentation: "boolean?" },
  },
  incrementalAlterConfigs: { fields: { ...RESOURCE, changes: "list" }, options: VALIDATE },
  describeClientQuotas: { fields: { type: "string", name: "string?|null" } },
  alterClientQuotas: { fields: { entity: "object", quotas: "object" }, options: VALIDATE },
  describeReplicaLogDirs: { fields: { ...PARTITION, broker: "integer" } },
  alterReplicaLogDirs: { fields: { ...PARTITION, broker: "integer", path: "string" } },
  describeProducers: { fields: PARTITION },
  describeGroups: { texts: TEXTS },
  deleteGroups: { texts: TEXTS },
  listOffsets: { fields: PARTITION },
  listGroupOffsets: { fields: PARTITION },
  alterGroupOffsets: { fields: { ...PARTITION, offset: "offset" } },
  deleteGroupOffsets: { fields: PARTITION },
  describeTransactions: { texts: TEXTS },
} as const satisfies Readonly<Record<string, ListRule>>;

export type ListCall = keyof typeof RULES;

/**
 * The options of a call, which may be left out, as may each of them: `fields` says what they are.
 * @throws KafkaError `INVALID_ARGUMENT`
 */
export function checkOptions(call: string, options: object | undefined, fields: Fields = {}): void {
  checkCallOptions(call, options);
  if (options === undefined) return;
  const given: Readonly<Record<string, unknown>> = { ...options };
  const all: Fields = { onProgress: "function?", ...fields };
  const wrong = wrongField(given, all);
  if (wrong === undefined) return;
  const type = all[wrong]!.replace("?", "");
  throw invalidArgument(`${call}: ${wrong} is ${describe(given[wrong])}; it must be of the type ${type}.`);
}

/** The list that a call was given. @throws KafkaError `INVALID_ARGUMENT` that says what is wrong, and what is right */
export function listOf<T>(call: ListCall, list: Iterable<T>, options: object | undefined): T[] {
  const { fields, texts, isClosed, options: ofCall }: ListRule = RULES[call];
  checkOptions(call, options, ofCall);
  const items = checkedList(call, list, fields, texts);
  if (isClosed && fields) refuseOtherFields(call, items, fields);
  return items;
}

function refuseOtherFields(call: ListCall, items: readonly unknown[], fields: Fields): void {
  const unknown = items.flatMap((item) => Object.keys(item as object)).find((name) => !(name in fields));
  if (unknown === undefined) return;
  throw invalidArgument(`${call} takes ${Object.keys(fields).join(", ")} of each, and was given ${unknown}.`);
}

/** The same for a list that may be left out. */
export function optionalListOf<T>(call: ListCall, list: Iterable<T> | undefined): T[] | undefined {
  return list === undefined ? undefined : listOf(call, list, undefined);
}
