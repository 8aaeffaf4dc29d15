const SHOWN_AFTER_MS = 1000;

export interface Progress {
  /** @param totalBytes where it was not known at the start */
  update(doneBytes: number, totalBytes?: number): void;
  /** Prints a line on standard output without leaving half a bar behind. */
  write(text: string): void;
  stop(): void;
}

/** A progress bar on standard error: only on a terminal, and only for what takes longer than a second. */
export function startProgress(options: { readonly isShown: boolean; readonly totalBytes: number }): Progress {
  const isShown = options.isShown && process.stderr.isTTY === true;
  let totalBytes = options.totalBytes;
  let doneBytes = 0;
  let bar: { update(value: number): void; setTotal(total: number): void; stop(): void } | undefined;
  let isStopped = false;
  const show = async () => {
    const { default: cliProgress } = await import("cli-progress");
    if (isStopped) return;
    const format = "{bar} {percentage}% | {value}/{total} bytes | {eta_formatted} left";
    const shown = new cliProgress.SingleBar({ format, clearOnComplete: true, stream: process.stderr });
    shown.start(totalBytes, doneBytes);
    bar = shown;
  };
  const timer = isShown ? setTimeout(() => void show(), SHOWN_AFTER_MS) : undefined;
  timer?.unref();
  return {
    update(done, total = totalBytes) {
      [doneBytes, totalBytes] = [done, total];
      bar?.setTotal(total);
      bar?.update(done);
    },
    write(text) {
      if (bar !== undefined) process.stderr.write("\r\u001b[K");
      process.stdout.write(text);
    },
    stop() {
      isStopped = true;
      clearTimeout(timer);
      bar?.stop();
    },
  };
}
