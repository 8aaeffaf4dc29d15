import {
  type BrokerAnnouncement,
  type BrokerEndpoint,
  brokerById,
  type LiveBroker,
  type MetadataImage,
} from "@ottla/metadata";
import { StartupError } from "../services/data-directory.ts";

/** Another process has this broker's id and was started later: this one must not go on. One line. */
export class SupersededError extends StartupError {
  constructor(message: string) {
    super(message);
    this.name = "SupersededError";
  }
}

/** A life of a broker, and where it can be reached as far as that is known. */
interface Life {
  readonly incarnationId: string | null;
  readonly endpoints: readonly BrokerEndpoint[];
}

/** What a person has to know of it: which one goes on, which one stops, and what may be the reason. */
export function superseded(
  own: BrokerAnnouncement,
  endpoints: readonly BrokerEndpoint[],
  successor: LiveBroker,
  image: MetadataImage,
): SupersededError {
  const { brokerId, directoryId, incarnationId } = own;
  const registered = brokerById(image, brokerId);
  const isRegistered = registered !== undefined && registered.incarnationId === successor.incarnationId;
  const other = { incarnationId: successor.incarnationId, endpoints: isRegistered ? registered.endpoints : [] };
  const what =
    successor.directoryId === directoryId
      ? `with the same data directory id (${directoryId}; is one a copy of the other?)`
      : `with another data directory (${successor.directoryId})`;
  return new SupersededError(
    `broker id ${brokerId} is taken by another process ${what} that was started later: ${described(other)}; this one, ${described({ incarnationId, endpoints })}, stops and changes nothing`,
  );
}

function described({ incarnationId, endpoints }: Life): string {
  const addresses = endpoints.map(({ host, port }) => `${host}:${port}`);
  return `incarnation ${incarnationId} at ${addresses.length === 0 ? "an unknown address" : addresses.join(", ")}`;
}
