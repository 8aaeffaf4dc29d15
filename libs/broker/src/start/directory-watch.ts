import type { DiskError } from "@ottla/runtime";
import type { BrokerDirectory } from "../broker-options.ts";
import { type OpenDirectories, onlineIds } from "../services/open-directories.ts";
import type { StartContext } from "./start-context.ts";

export interface DirectoryWatchOptions {
  readonly directories: OpenDirectories<BrokerDirectory>;
  /** Whether the broker is of no use without its main directory. */
  readonly needsMain: boolean;
  /** Tells the controller which directories are left. */
  readonly report: () => Promise<void>;
}

/** As Kafka: a directory that fails is left out, until there is none left or it is the one with the metadata. */
export class DirectoryWatch {
  readonly #context: StartContext;
  #failed: (directory: BrokerDirectory, error: DiskError) => void = () => {};

  constructor(context: StartContext) {
    this.#context = context;
  }

  readonly onFailure = (directory: BrokerDirectory, error: DiskError): void => this.#failed(directory, error);

  /** From now on there is something to be done about failures, and about those that came before. */
  begin({ directories: { logs, main }, needsMain, report }: DirectoryWatchOptions): void {
    const { runtime, onFatal, directories } = this.#context.options;
    this.#failed = (directory, error) => {
      const isFatal = (needsMain && directory === main.data) || onlineIds(logs).length === 0;
      if (isFatal) return onFatal?.(error);
      report().catch((err) => runtime.logger.warn("the failure of a log directory cannot be noted yet", { err }));
    };
    for (const directory of directories) {
      const failure = logs.all.find(({ name }) => name === directory.name)?.logs?.failure;
      if (failure) this.#failed(directory, failure);
    }
  }
}
