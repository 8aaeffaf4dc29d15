import { externalPrograms } from "../../../tools/fetch/external-programs.mjs";

const find = (name: keyof typeof externalPrograms): string | null => externalPrograms[name].find();

/** Programs that other people wrote, or null where this machine has none: tests that need one are then skipped. */
export const external = {
  kcat: find("kcat"),
  chromium: find("chromium"),
  java: find("java"),
  kafkaJars: find("kafkaJars"),
  kafkaArchive: find("kafkaArchive"),
  kafka3Jars: find("kafka3Jars"),
  kafkaAppsJars: find("kafkaAppsJars"),
  librdkafka: find("librdkafka"),
  aiokafka: find("aiokafka"),
  franzGo: find("franzGo"),
  tshark: find("tshark"),
  zooKeeperJars: find("zooKeeperJars"),
};

/** The class path of a ZooKeeper server, or null where Java or the jars are absent. */
export const zooKeeperClassPath: string | null = external.java === null ? null : external.zooKeeperJars;

/** The class path of Apache Kafka's tools, or null where Java or the jars are absent. */
export const kafkaClassPath: string | null = external.java === null ? null : external.kafkaJars;

/** The same for the last release line before 4.0. */
export const kafka3ClassPath: string | null = external.java === null ? null : external.kafka3Jars;

/** Kafka Streams, Kafka Connect and MirrorMaker 2, or null where Java or the jars are absent. */
export const kafkaAppsClassPath: string | null = external.java === null ? null : external.kafkaAppsJars;
