import { ErrorCode } from "@ottla/protocol";
import { seededRandom } from "@ottla/runtime";
import {
  type ConfigPolicy,
  type ControllerPolicy,
  type ControllerState,
  refuse,
} from "../controller/controller-state.ts";
import { applyRecord } from "../image/apply-records.ts";
import { ConfigResourceType, configsOf, EMPTY_IMAGE, type MetadataImage } from "../image/metadata-image.ts";
import type { NewMetadataRecord } from "../records/metadata-record.ts";
import { asWritten } from "../records/record-serde.ts";

/** Knows three keys of topics and one of brokers. */
const configs: ConfigPolicy = {
  validate(_type, _name, values) {
    for (const [key, value] of values) {
      if (!["retention.ms", "cleanup.policy", "min.insync.replicas", "message.max.bytes"].includes(key)) {
        throw refuse(ErrorCode.INVALID_CONFIG, `Unknown config name: ${key}`);
      }
      if (key === "retention.ms" && !/^-?\d+$/.test(value)) {
        throw refuse(ErrorCode.INVALID_CONFIG, `Invalid value ${value} for configuration ${key}`);
      }
    }
  },
  isKnown: () => true,
  isList: (_type, key) => key === "cleanup.policy",
  defaultValue: (_type, key) => (key === "cleanup.policy" ? "delete" : null),
  fileValue: (key) => (key === "min.insync.replicas" ? "2" : null),
  topicValue: (image, topic, key) =>
    configsOf(image, ConfigResourceType.TOPIC, topic).get(key) ??
    configsOf(image, ConfigResourceType.BROKER, "").get(key) ??
    null,
};

const policy: ControllerPolicy = {
  defaultNumPartitions: 2,
  defaultReplicationFactor: 1,
  deleteTopicEnable: true,
  isOfCluster: true,
  configs,
};

export function registration(brokerId: number, fenced = false): NewMetadataRecord {
  return {
    type: "RegisterBrokerRecord",
    brokerId,
    incarnationId: "AAAAAAAAAAAAAAAAAAAAAQ",
    brokerEpoch: brokerId * 10,
    endPoints: [{ name: "PLAINTEXT", host: `broker-${brokerId}`, port: 9092, securityProtocol: 0 }],
    features: [],
    rack: null,
    fenced,
    logDirs: [`dir-${brokerId}`.padEnd(22, "A")],
  };
}

/** An image after these records, as the log would have them. */
export function imageAfter(records: readonly NewMetadataRecord[], from: MetadataImage = EMPTY_IMAGE): MetadataImage {
  return records.reduce((image, record) => applyRecord(image, asWritten(record), image.offset + 1, 1), from);
}

/** A controller's view of a cluster of `brokers`, after more records. */
export function stateWith(
  brokers: readonly number[],
  records: readonly NewMetadataRecord[] = [],
  overrides: Partial<ControllerPolicy> = {},
): ControllerState {
  const image = imageAfter([...brokers.map((id) => registration(id)), ...records]);
  return {
    image,
    nextOffset: image.offset + 1,
    policy: { ...policy, ...overrides },
    random: seededRandom(1),
  };
}
