import { ErrorCode, KafkaError } from "@ottla/protocol";
import { seededRandom } from "@ottla/runtime";
import fc from "fast-check";
import { alterClientQuotas } from "../controller/alter-client-quotas.ts";
import { ConfigOperation, incrementalAlterConfigs } from "../controller/alter-configs.ts";
import { allocateProducerIds, registerBroker } from "../controller/brokers.ts";
import type { ControllerOperation, ControllerState } from "../controller/controller-state.ts";
import { createPartitions } from "../controller/create-partitions.ts";
import { createTopics } from "../controller/create-topics.ts";
import { deleteTopics } from "../controller/delete-topics.ts";
import type { MetadataImage } from "../image/metadata-image.ts";
import type { NewMetadataRecord } from "../records/metadata-record.ts";
import { imageAfter, stateWith } from "./controller-fixture.ts";

const name = fc.constantFrom("a", "b", "c", "orders", "payments");
const NO_ID = "AAAAAAAAAAAAAAAAAAAAAA";

/** Any operation on a small cluster; many are refused, which is part of it. */
export const anyOperation: fc.Arbitrary<ControllerOperation<unknown>> = fc.oneof(
  fc.tuple(name, fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 3 })).map(
    ([topic, numPartitions, replicationFactor]) =>
      (state: ControllerState) =>
        createTopics(state, {
          topics: [
            {
              name: topic,
              numPartitions,
              replicationFactor,
              assignments: [],
              configs: [{ name: "retention.ms", value: "7" }],
            },
          ],
          validateOnly: false,
        }),
  ),
  name.map((topic) => (state: ControllerState) => deleteTopics(state, [{ name: topic, topicId: NO_ID }])),
  fc.tuple(name, fc.integer({ min: 1, max: 6 })).map(
    ([topic, count]) =>
      (state: ControllerState) =>
        createPartitions(state, { topics: [{ name: topic, count, assignments: null }], validateOnly: false }),
  ),
  fc.tuple(name, fc.constantFrom("retention.ms", "cleanup.policy"), fc.integer({ min: 0, max: 3 }), fc.nat(9)).map(
    ([resourceName, key, configOperation, value]) =>
      (state: ControllerState) =>
        incrementalAlterConfigs(
          state,
          [
            {
              resourceType: 2,
              resourceName,
              configs: [
                {
                  name: key,
                  configOperation,
                  value: configOperation === ConfigOperation.DELETE ? null : String(value),
                },
              ],
            },
          ],
          false,
        ),
  ),
  fc
    .tuple(
      fc.uniqueArray(fc.constantFrom("user", "client-id", "ip"), { minLength: 1, maxLength: 3 }),
      fc.constantFrom("alice", "1.2.3.4", null),
      fc.constantFrom("producer_byte_rate", "request_percentage", "connection_creation_rate"),
      fc.nat(3),
    )
    .map(
      ([types, entityName, key, value]) =>
        (state: ControllerState) =>
          alterClientQuotas(
            state,
            [
              {
                entity: types.map((entityType) => ({ entityType, entityName })),
                ops: [{ key, value, remove: value === 0 }],
              },
            ],
            false,
          ),
    ),
  fc.tuple(fc.integer({ min: 1, max: 4 }), fc.boolean()).map(
    ([brokerId, cleanShutdown]) =>
      (state: ControllerState) =>
        registerBroker(state, {
          brokerId,
          incarnationId: "AAAAAAAAAAAAAAAAAAAAAw",
          endpoints: [],
          features: [],
          rack: cleanShutdown ? "a" : null,
          logDirs: [],
          fenced: false,
          cleanShutdown,
        }),
  ),
  fc.constant((state: ControllerState) =>
    allocateProducerIds(state, { brokerId: 1, brokerEpoch: state.image.brokers.get("1")!.epoch }),
  ),
);

/** A cluster after each of some operations: the images, and the records that lead from one to the next. */
export interface History {
  readonly images: readonly MetadataImage[];
  readonly records: readonly (readonly NewMetadataRecord[])[];
}

export const anyHistory: fc.Arbitrary<History> = fc.array(anyOperation, { maxLength: 30 }).map((operations) => {
  const start = stateWith([1, 2, 3]);
  const random = seededRandom(operations.length);
  const images = [start.image];
  const records: (readonly NewMetadataRecord[])[] = [];
  for (const operation of operations) {
    const image = images.at(-1)!;
    const written = run(operation, { ...start, image, nextOffset: image.offset + 1, random });
    records.push(written);
    images.push(imageAfter(written, image));
  }
  return { images, records };
});

function run(operation: ControllerOperation<unknown>, state: ControllerState): readonly NewMetadataRecord[] {
  try {
    return operation(state).records;
  } catch (error) {
    if (error instanceof KafkaError && error.errno !== ErrorCode.UNKNOWN_SERVER_ERROR) return [];
    throw error;
  }
}
