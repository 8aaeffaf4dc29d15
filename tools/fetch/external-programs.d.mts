/** A program that other people wrote. `find` gives its path (or class path), `get` installs it or throws why not. */
export interface ExternalProgram {
  find(): string | null;
  get(): void;
}

export declare const cacheDirectory: string;
export declare const KAFKA_VERSION: string;
export declare const KAFKA_3_VERSION: string;
export declare const ZOOKEEPER_VERSION: string;
export declare const externalPrograms: Readonly<
  Record<
    | "kcat"
    | "chromium"
    | "java"
    | "maven"
    | "kafkaJars"
    | "kafkaArchive"
    | "kafka3Jars"
    | "kafkaAppsJars"
    | "librdkafka"
    | "aiokafka"
    | "franzGo"
    | "tshark"
    | "zooKeeperJars",
    ExternalProgram
  >
>;
/** What the benchmark alone asks for. */
export declare const benchmarkPrograms: Readonly<Record<"confluentClient", ExternalProgram>>;
export declare function ensureExternalPrograms(
  report?: (line: string) => void,
): Record<keyof typeof externalPrograms, string | null>;
