import { ErrorCode } from "@ottla/protocol";
import { type MetadataImage, metricNameOf } from "../image/metadata-image.ts";
import { refuse } from "./controller-state.ts";

export const TOPIC_NAME_LENGTH_MAX = 249;
export const METADATA_TOPIC = "__cluster_metadata";

const LEGAL = /^[a-zA-Z0-9._-]+$/;

/** Why `name` cannot name a topic, in Kafka's words; null when it can. */
export function topicNameProblem(name: string): string | null {
  if (name === "") return "Topic name is invalid: the empty string is not allowed";
  if (name === "." || name === "..") return `Topic name is invalid: '${name}' is not allowed`;
  if (name.length > TOPIC_NAME_LENGTH_MAX) {
    return `Topic name is invalid: the length of '${name}' is longer than the max allowed length ${TOPIC_NAME_LENGTH_MAX}`;
  }
  if (LEGAL.test(name)) return null;
  return `Topic name is invalid: '${name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'`;
}

/** Throws when a topic of this name cannot be created now: bad name, taken, or too like another (`a.b` and `a_b`). */
export function checkNewTopicName(image: MetadataImage, name: string): void {
  const problem = topicNameProblem(name);
  if (problem !== null) throw refuse(ErrorCode.INVALID_TOPIC_EXCEPTION, problem);
  if (name === METADATA_TOPIC) {
    throw refuse(ErrorCode.INVALID_REQUEST, `Creation of internal topic ${METADATA_TOPIC} is prohibited.`);
  }
  if (image.topicsByName.has(name)) throw refuse(ErrorCode.TOPIC_ALREADY_EXISTS, `Topic '${name}' already exists.`);
  const other = image.topicNamesByMetricName.get(metricNameOf(name));
  if (other !== undefined) {
    throw refuse(ErrorCode.INVALID_TOPIC_EXCEPTION, `Topic '${name}' collides with existing topic: ${other}`);
  }
}
