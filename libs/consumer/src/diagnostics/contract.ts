/** A place where events are published for observers of the whole process, such as tracers. */
export interface DiagnosticsChannel {
  readonly hasSubscribers: boolean;
  publish(message: unknown): void;
}

/** The channel of that name; undefined where the platform has none. */
export type OpenChannel = (name: string) => DiagnosticsChannel | undefined;
