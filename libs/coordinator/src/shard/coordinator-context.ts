import type { Logger, Random } from "@ottla/runtime";
import type { GroupConfig } from "../group-config.ts";
import type { GroupRegistry } from "../groups.ts";
import type { GroupOffsets } from "../offsets/group-offsets.ts";
import type { TopicCatalog } from "../topic-catalog.ts";
import type { DeadlineSubject } from "./deadline-subject.ts";
import type { DeadlineQueue } from "./deadlines.ts";

/** What all operations of one shard work on. */
export interface CoordinatorContext {
  readonly config: GroupConfig;
  readonly random: Random;
  readonly logger: Logger;
  readonly deadlines: DeadlineQueue<DeadlineSubject>;
  readonly groups: GroupRegistry;
  readonly offsets: GroupOffsets;
  readonly topics: TopicCatalog;
}
