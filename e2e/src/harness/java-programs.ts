import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, realpathSync, renameSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { external, kafkaAppsClassPath, kafkaClassPath } from "./external.ts";
import { classFlags } from "./java.ts";

const pathOf = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** The tests' own programs in Java. */
const SOURCES = {
  AssignorCases: pathOf("../../../libs/consumer/src/assignors/fixtures/AssignorCases.java"),
  JavaLoad: pathOf("JavaLoad.java"),
  JavaMember: pathOf("JavaMember.java"),
  JavaToolsDriver: pathOf("JavaToolsDriver.java"),
  StreamsExactlyOnce: pathOf("../programs/StreamsExactlyOnce.java"),
  StreamsPrograms: pathOf("../programs/StreamsPrograms.java"),
};

const classPaths = [kafkaClassPath, kafkaAppsClassPath].filter((path) => path !== null);

/** One for what they are compiled from. */
const CLASSES = pathOf(`../../.test-results/java-programs-${fingerprint()}`);

function fingerprint(): string {
  const hash = createHash("sha256");
  for (const path of Object.values(SOURCES)) hash.update(readFileSync(path));
  for (const name of [external.java === null ? "" : realpathSync(external.java), ...classPaths]) hash.update(name);
  return hash.digest("hex").slice(0, 16);
}

/** Global set-up of the run: Java would compile a program each time that it is launched from its source, for seconds. */
export default function compileJavaPrograms(): void {
  if (classPaths.length === 0 || existsSync(CLASSES)) return;
  const sources = Object.values(SOURCES).filter((path) => kafkaAppsClassPath !== null || !path.includes("Streams"));
  const quick = ["-J-XX:+UseSerialGC", "-J-XX:TieredStopAtLevel=1", "-proc:none"];
  const unfinished = `${CLASSES}.${process.pid}`;
  mkdirSync(unfinished, { recursive: true });
  execFileSync("javac", [...quick, "-cp", classPaths.join(":"), "-d", unfinished, ...sources], { stdio: "pipe" });
  renameSync(unfinished, CLASSES);
}

/** What Java is told to run one of them with an Apache Kafka's jars. The program's own arguments come after it. */
export function javaProgram(name: keyof typeof SOURCES, classPath: string): string[] {
  return [...classFlags(classPath, CLASSES), name];
}
