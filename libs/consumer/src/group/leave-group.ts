import type { ClusterClient } from "@ottla/client/internal";
import { ErrorCode } from "@ottla/protocol";

/** A closing consumer waits so long for each of two attempts to be answered. */
const ATTEMPT = { timeoutMs: 2_500, retry: false, errorOf: () => ErrorCode.NONE } as const;

/**
 * Tells the coordinator that a member goes, by what `ask` asks of it. Best effort: a coordinator that does not answer will
 * miss our heartbeats. Twice, as it may have moved.
 */
export async function leaveGroup(
  client: ClusterClient,
  member: { readonly groupId: string; readonly memberId: string },
  ask: (options: typeof ATTEMPT) => Promise<unknown>,
): Promise<void> {
  const attempt = () => ask(ATTEMPT);
  await attempt()
    .catch(attempt)
    .catch((error: unknown) => {
      client.runtime.logger.debug("leaving the group failed", { ...member, error });
    });
}
