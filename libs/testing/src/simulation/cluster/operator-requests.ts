import { alterPartitionReassignmentsApi, electLeadersApi, KafkaError, updateFeaturesApi } from "@ottla/protocol";
import { BrokerConnection, type BrokerConnectionOptions } from "@ottla/transport";

const TIMEOUT_MS = 20_000;

/** Kafka's ElectionType: the first replica of each partition leads, if it is in sync. */
const PREFERRED = 0;

/** Kafka's FeatureUpdate.UpgradeType for a level that may be lower than the one before. */
const SAFE_DOWNGRADE = 2;

/** What an operator asks of a cluster by requests that the admin SDK has no function for. */
export class OperatorRequests {
  readonly #options: Omit<BrokerConnectionOptions, "address">;

  constructor(options: Omit<BrokerConnectionOptions, "address">) {
    this.#options = options;
  }

  /** Moves a partition. @throws KafkaError */
  async reassign(host: string, topic: string, partition: number, replicas: readonly number[]): Promise<void> {
    const topics = [{ name: topic, partitions: [{ partitionIndex: partition, replicas: [...replicas] }] }];
    const { errorCode, responses } = await this.#ask(host, (connection) =>
      connection.request(alterPartitionReassignmentsApi, { topics, timeoutMs: TIMEOUT_MS }),
    );
    throwErrors([errorCode, ...responses.flatMap(({ partitions }) => partitions.map((one) => one.errorCode))]);
  }

  /** Gives the leadership of a topic's partitions to their preferred replicas. @throws KafkaError */
  async electPreferred(host: string, topic: string, partitions: readonly number[]): Promise<void> {
    const topicPartitions = [{ topic, partitions: [...partitions] }];
    const { errorCode, replicaElectionResults } = await this.#ask(host, (connection) =>
      connection.request(electLeadersApi, { electionType: PREFERRED, topicPartitions, timeoutMs: TIMEOUT_MS }),
    );
    const ofPartitions = replicaElectionResults.flatMap(({ partitionResult }) => partitionResult);
    throwErrors([errorCode, ...ofPartitions.map((one) => one.errorCode)]);
  }

  /** Finalizes a feature at a level that is lower than it was. @throws KafkaError */
  async downgrade(host: string, feature: string, maxVersionLevel: number): Promise<void> {
    const featureUpdates = [{ feature, maxVersionLevel, upgradeType: SAFE_DOWNGRADE }];
    const { errorCode } = await this.#ask(host, (connection) =>
      connection.request(updateFeaturesApi, { featureUpdates, timeoutMs: TIMEOUT_MS }),
    );
    throwErrors([errorCode]);
  }

  #ask<T>(host: string, request: (connection: BrokerConnection) => Promise<T>): Promise<T> {
    return onConnectionTo(host, this.#options, request);
  }
}

/** Makes a request on a connection of its own to a broker of a simulated cluster. */
export async function onConnectionTo<T>(
  host: string,
  options: Omit<BrokerConnectionOptions, "address">,
  request: (connection: BrokerConnection) => Promise<T>,
): Promise<T> {
  const connection = await BrokerConnection.open({ ...options, address: { host, port: 9092 } });
  try {
    return await request(connection);
  } finally {
    connection.destroy();
  }
}

function throwErrors(errorCodes: readonly number[]): void {
  const error = errorCodes.find((code) => code !== 0);
  if (error !== undefined) throw KafkaError.fromCode(error);
}
