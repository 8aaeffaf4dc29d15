import {
  checkCallOptions,
  checkedList,
  describe,
  type Fields,
  invalidArgument,
  isText,
  strangeOption,
  wrongField,
} from "@ottla/client/internal";

const PARTITION = { topic: "string", partition: "integer" } as const;
const RESOURCE = { type: "string", name: "string" } as const;
const TOPIC_ID = { topicId: "string" } as const;
const VALIDATE = { validateOnly: "boolean?" } as const;
const DESPITE_QUOTA = { retryOnQuotaViolation: "boolean?" } as const;
const TEXTS = "strings";
const OPEN_TRANSACTION: Fields = {
  ...PARTITION,
  producerId: "integer",
  producerEpoch: "integer",
  coordinatorEpoch: "integer",
};

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
  electLeaders: { fields: PARTITION },
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
  listOffsets: { fields: PARTITION, options: { isolationLevel: "string?" } },
  listGroupOffsets: { fields: PARTITION },
  alterGroupOffsets: { fields: { ...PARTITION, offset: "natural" } },
  deleteGroupOffsets: { fields: PARTITION },
  describeTransactions: { texts: TEXTS },
} as const satisfies Readonly<Record<string, ListRule>>;

export type ListCall = keyof typeof RULES;

/** Options that all calls have. */
const COMMON = ["timeoutMs", "signal", "onProgress"];

/**
 * The options of a call, which may be left out, as may each of them: `fields` says what they are, `others` which there are
 * besides. One that is mistyped would be left to its default.
 * @throws KafkaError `INVALID_ARGUMENT`
 */
export function checkOptions(
  call: string,
  options: object | undefined,
  fields: Fields = {},
  others: readonly string[] = [],
): void {
  checkCallOptions(call, options);
  if (options === undefined) return;
  const strange = strangeOption(options, new Set([...Object.keys(fields), ...others, ...COMMON]));
  if (strange) throw invalidArgument(`${call}: ${strange}`);
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
  if (fields) refuseMaps(call, items, fields);
  return items;
}

/** The id of a group, which is a text. @throws KafkaError `INVALID_ARGUMENT` */
export function checkGroupId(call: ListCall, groupId: unknown): void {
  if (isText(groupId)) return;
  throw invalidArgument(`${call}: the group is ${describe(groupId)}; it must be the id of one.`);
}

/** A Map has no properties: what is in it would be lost without a word. */
function refuseMaps(call: ListCall, items: readonly unknown[], fields: Fields): void {
  const objects = Object.keys(fields).filter((name) => fields[name]!.startsWith("object"));
  const wrong = objects.find((name) => items.some((item) => (item as Record<string, unknown>)[name] instanceof Map));
  if (wrong !== undefined) throw invalidArgument(`${call}: ${wrong} is a Map; it must be an object.`);
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

/** What `abortTransaction` was given. @throws KafkaError `INVALID_ARGUMENT` */
export function checkOpenTransaction(transaction: unknown): void {
  const given = typeof transaction === "object" && transaction !== null ? { ...transaction } : null;
  const fields: Readonly<Record<string, unknown>> = given ?? {};
  const wrong = wrongField(fields, OPEN_TRANSACTION);
  if (wrong === undefined) return;
  const what = given === null ? describe(transaction) : `one where ${wrong} is ${describe(fields[wrong])}`;
  throw invalidArgument(`abortTransaction takes ${JSON.stringify(OPEN_TRANSACTION)}, and was given ${what}.`);
}
