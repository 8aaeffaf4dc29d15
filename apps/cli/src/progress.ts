const SHOWN_AFTER_MS = 1000;

export interface Progress {
  /** @param total where it was not known at the start */
  update(done: number, total?: number): void;
  /** Prints a line on standard output without leaving half a bar behind. */
  write(text: string): void;
  stop(): void;
}

/** A progress bar on standard error: only on a terminal, and only for what takes longer than a second. */
export function startProgress(options: {
  readonly isShown: boolean;
  readonly total: number;
  /** What is counted; null where its share of the whole is all that it tells. */
  readonly unit: "bytes" | "partitions" | "records" | null;
  /** Default: standard error. */
  readonly stream?: NodeJS.WriteStream;
}): Progress {
  const { stream = process.stderr } = options;
  const isShown = options.isShown && stream.isTTY === true;
  let { total } = options;
  let done = 0;
  let bar: { update(value: number): void; setTotal(total: number): void; stop(): void } | undefined;
  let isStopped = false;
  const show = async () => {
    const { default: cliProgress } = await import("cli-progress");
    if (isStopped) return;
    const isBytes = options.unit === "bytes";
    const count = options.unit === null ? "" : ` | {value} of {total} ${isBytes ? "MB" : options.unit}`;
    const format = `{bar} {percentage}%${count} | {eta_formatted} left`;
    const formatValue = (value: number, _options: unknown, type: string) =>
      String(isBytes && (type === "value" || type === "total") ? Math.round(value / 1e6) : value);
    const shown = new cliProgress.SingleBar({ format, formatValue, clearOnComplete: true, stream });
    shown.start(total, done);
    bar = shown;
  };
  const timer = isShown ? setTimeout(() => void show(), SHOWN_AFTER_MS) : undefined;
  timer?.unref();
  return {
    update(doneNow, totalNow = total) {
      [done, total] = [doneNow, totalNow];
      bar?.setTotal(total);
      bar?.update(done);
    },
    write(text) {
      if (bar !== undefined) stream.write("\r\u001b[K");
      process.stdout.write(text);
    },
    stop() {
      isStopped = true;
      clearTimeout(timer);
      bar?.stop();
    },
  };
}
