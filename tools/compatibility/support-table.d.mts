/** One API of Kafka's. What is null is not served. */
export interface SupportRow {
  readonly key: number;
  readonly name: string;
  readonly kafkaVersions: string;
  /** What ApiVersions names. */
  readonly versions: string | null;
  readonly servedVersions: string | null;
  readonly handler: string | null;
  readonly tests: readonly string[];
}

export declare function supportRows(): SupportRow[];
export declare function supportTable(): string;
export declare function withSupportTable(page: string, table: string): string;
export declare function compatibilityPage(): { readonly current: string; readonly expected: string };
