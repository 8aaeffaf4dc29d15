import { setOnlineDirectories } from "@ottla/metadata";
import type { DiskError } from "@ottla/runtime";
import type { BrokerDirectory } from "../broker-options.ts";
import type { ControllerGateway } from "../services/broker-services.ts";
import { type OpenDirectories, onlineIds } from "../services/open-directories.ts";
import type { StartContext } from "./start-context.ts";

/** As Kafka: a directory that fails is left out, until there is none left or it is the one with the metadata. */
export class DirectoryWatch {
  readonly #context: StartContext;
  #failed: (directory: BrokerDirectory, error: DiskError) => void = () => {};

  constructor(context: StartContext) {
    this.#context = context;
  }

  readonly onFailure = (directory: BrokerDirectory, error: DiskError): void => this.#failed(directory, error);

  /** From now on there is something to be done about failures, and about those that came before. */
  begin({ logs, main, identity }: OpenDirectories<BrokerDirectory>, controller: ControllerGateway): void {
    const { runtime, onFatal, directories } = this.#context.options;
    const { nodeId: brokerId } = identity;
    this.#failed = (directory, error) => {
      const content = onlineIds(logs);
      if (directory === main.data || content.length === 0) return onFatal?.(error);
      const registration = { brokerId, brokerEpoch: this.#context.brokerEpoch, content };
      controller
        .submit((state) => setOnlineDirectories(state, registration))
        .catch((err) => runtime.logger.warn("the failure of a log directory cannot be noted", { err }));
    };
    for (const directory of directories) {
      const failure = logs.all.find(({ name }) => name === directory.name)?.logs?.failure;
      if (failure) this.#failed(directory, failure);
    }
  }
}
