import { uuidFromBytes } from "@ottla/protocol";
import type { Runtime } from "@ottla/runtime";
import { isZooKeeperError, type ZooKeeper } from "@ottla/zookeeper";
import type { MetadataSnapshot } from "../metadata-log.ts";
import { decodeChunk, encodeRecords, entryName, type ZooKeeperPaths } from "./layout.ts";
import type { PatientClient } from "./patient-client.ts";

/** Bytes of records in one znode, below ZooKeeper's `jute.maxbuffer`. */
const CHUNK_BYTES_MAX = 512 * 1024;

/** Of {@link entryName}, which a snapshot's name begins with. */
const OFFSET_DIGITS = 20;

export interface StoredSnapshot {
  readonly name: string;
  readonly chunks: number;
}

/**
 * Snapshots as znodes of several chunks. Each has a name of its own, and counts only once the head names it: what was
 * left half written is swept away by the next one.
 */
export class ZooKeeperSnapshots {
  readonly #client: ZooKeeper;
  readonly #patient: PatientClient;
  readonly #paths: ZooKeeperPaths;
  readonly #runtime: Pick<Runtime, "random">;

  constructor(client: ZooKeeper, patient: PatientClient, paths: ZooKeeperPaths, runtime: Pick<Runtime, "random">) {
    this.#client = client;
    this.#patient = patient;
    this.#paths = paths;
    this.#runtime = runtime;
  }

  async write({ endOffset, records }: MetadataSnapshot): Promise<StoredSnapshot> {
    const unique = uuidFromBytes(this.#runtime.random.fill(new Uint8Array(16)));
    const name = `${entryName(endOffset)}-${unique}`;
    const chunks = chunksOf(records);
    await this.#client.create(this.#paths.snapshot(name), new Uint8Array(0));
    for (const [index, chunk] of chunks.entries()) {
      await this.#client.create(this.#paths.chunk(name, index), encodeRecords(chunk));
    }
    return { name, chunks: chunks.length };
  }

  /** The records of a snapshot, or null when another one has taken its place meanwhile. */
  async read(name: string, chunks: number): Promise<Uint8Array[] | null> {
    try {
      const indexes = Array.from({ length: chunks }, (_, index) => index);
      const paths = indexes.map((index) => this.#paths.chunk(name, index));
      const znodes = await Promise.all(paths.map((path) => this.#patient.get(path)));
      return znodes.flatMap(({ data }, index) => decodeChunk(data, paths[index]!));
    } catch (error) {
      if (isZooKeeperError(error, "NO_NODE")) return null;
      throw error;
    }
  }

  /**
   * Removes what was written before this one. What ends behind it is left alone: by now another controller may have its
   * own snapshot in the head, and each one's ends behind the one before.
   */
  async removeOlder(kept: string): Promise<void> {
    const endOf = (name: string) => name.slice(0, OFFSET_DIGITS);
    for (const name of await this.#patient.children(this.#paths.snapshots)) {
      if (name !== kept && endOf(name) <= endOf(kept)) await this.#remove(name);
    }
  }

  async #remove(name: string): Promise<void> {
    const path = this.#paths.snapshot(name);
    try {
      for (const chunk of await this.#patient.children(path)) await this.#client.remove(`${path}/${chunk}`, -1);
      await this.#client.remove(path, -1);
    } catch (error) {
      if (!isZooKeeperError(error, "NO_NODE")) throw error;
    }
  }
}

/** Records in order, as many together as fit a chunk; always at least one chunk. */
function chunksOf(records: readonly Uint8Array[]): Uint8Array[][] {
  const chunks: Uint8Array[][] = [[]];
  let sizeBytes = 0;
  for (const record of records) {
    if (sizeBytes + record.length > CHUNK_BYTES_MAX && sizeBytes > 0) {
      chunks.push([]);
      sizeBytes = 0;
    }
    chunks.at(-1)!.push(record);
    sizeBytes += record.length;
  }
  return chunks;
}
