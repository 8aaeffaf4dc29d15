import { apiVersionsApi, ErrorCode, KafkaError } from "@ottla/protocol";
import { apiHandler } from "../api-handler.ts";
import type { BrokerServices } from "../services/broker-services.ts";

/** From here on a client says what it is (KIP-511), and features are answered. */
const FIRST_VERSION_WITH_SOFTWARE = 3;

/** Clients that send an older version fail over a feature that may be off (KAFKA-17011). */
const FIRST_VERSION_WITH_LEVEL_0 = 4;

const SOFTWARE_NAME = /^[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?$/;

/** ApiVersions: what is served. Versions that are not served are the dispatcher's to answer. */
export const apiVersionsHandler = (broker: BrokerServices) =>
  apiHandler(apiVersionsApi, { minVersion: 0, maxVersion: 4 }, (request, { apiVersion, connection }) => {
    const apiKeys = broker.servedApis();
    if (apiVersion < FIRST_VERSION_WITH_SOFTWARE) return { errorCode: ErrorCode.NONE, apiKeys };
    const { clientSoftwareName, clientSoftwareVersion } = request;
    if (!SOFTWARE_NAME.test(clientSoftwareName) || !SOFTWARE_NAME.test(clientSoftwareVersion)) {
      throw KafkaError.fromCode(ErrorCode.INVALID_REQUEST);
    }
    connection.clientSoftwareName = clientSoftwareName;
    connection.clientSoftwareVersion = clientSoftwareVersion;
    const { image, supportedFeatures } = broker;
    const finalizedFeatures = [...image.features].map(([name, level]) => ({
      name,
      maxVersionLevel: level,
      minVersionLevel: level,
    }));
    return {
      errorCode: ErrorCode.NONE,
      apiKeys,
      supportedFeatures: [...supportedFeatures]
        .filter(([, { minVersion }]) => minVersion > 0 || apiVersion >= FIRST_VERSION_WITH_LEVEL_0)
        .map(([name, levels]) => ({ name, ...levels })),
      finalizedFeatures,
      finalizedFeaturesEpoch: image.offset,
    };
  });
