import type { AnyApiHandler } from "../api-handler.ts";
import type { BrokerServices } from "../services/broker-services.ts";
import { alterConfigsHandler, incrementalAlterConfigsHandler } from "./alter-configs.ts";
import { apiVersionsHandler } from "./api-versions.ts";
import { createPartitionsHandler } from "./create-partitions.ts";
import { createTopicsHandler } from "./create-topics.ts";
import { deleteTopicsHandler } from "./delete-topics.ts";
import { describeClusterHandler } from "./describe-cluster.ts";
import { describeConfigsHandler } from "./describe-configs.ts";
import { fetchHandler } from "./fetch.ts";
import { initProducerIdHandler } from "./init-producer-id.ts";
import { listOffsetsHandler } from "./list-offsets.ts";
import { metadataHandler } from "./metadata.ts";
import { produceHandler } from "./produce.ts";

/** Every API that the broker's core serves, by Kafka's number; groups bring their own. */
export function coreHandlers(broker: BrokerServices): AnyApiHandler[] {
  return [
    produceHandler(broker),
    fetchHandler(broker),
    listOffsetsHandler(broker),
    metadataHandler(broker),
    apiVersionsHandler(broker),
    createTopicsHandler(broker),
    deleteTopicsHandler(broker),
    initProducerIdHandler(broker),
    describeConfigsHandler(broker),
    alterConfigsHandler(broker),
    createPartitionsHandler(broker),
    incrementalAlterConfigsHandler(broker),
    describeClusterHandler(broker),
  ];
}
