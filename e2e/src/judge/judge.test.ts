import { afterAll, beforeAll, describe } from "vitest";
import { kafkaClassPath } from "../harness/external.ts";
import { BothBrokers } from "./both-brokers.ts";
import { clusterCases } from "./cases/cluster.ts";
import { configsCases } from "./cases/configs.ts";
import { connectionCases } from "./cases/connection.ts";
import { cornersCases } from "./cases/corners.ts";
import { groupsCases } from "./cases/groups.ts";
import { metadataCases } from "./cases/metadata.ts";
import { offsetsCases } from "./cases/offsets.ts";
import { quotaEnforcementCases } from "./cases/quota-enforcement.ts";
import { quotasCases } from "./cases/quotas.ts";
import { recordsCases } from "./cases/records.ts";
import { topicsCases } from "./cases/topics.ts";

/** The same requests to our broker and to Apache Kafka: they are to be answered alike, field by field. */
describe.skipIf(kafkaClassPath === null)("Apache Kafka is the judge", () => {
  let brokers: BothBrokers;

  beforeAll(async () => {
    brokers = await BothBrokers.start({
      "num.partitions": 2,
      "log.retention.minutes": 9000,
      "log.roll.hours": 100,
      "message.max.bytes": 1_000_000,
    });
  });
  afterAll(() => brokers?.stop());

  const both = () => brokers;
  connectionCases(both);
  metadataCases(both);
  clusterCases(both);
  topicsCases(both);
  configsCases(both);
  quotasCases(both);
  quotaEnforcementCases(both);
  offsetsCases(both);
  recordsCases(both);
  groupsCases(both);
  cornersCases(both);
});
