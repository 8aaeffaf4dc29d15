/**
 * Remembers how to take back what replay did for records that are not committed yet.
 *
 * Every change of durable state in live operation is entered with its inverse. Changes are taken back in reverse
 * order only, so an inverse may rely on finding the state exactly as its change left it.
 */
export class Journal {
  private undos: (() => void)[] = [];
  private forgotten = 0;
  private isOpen = false;

  /** From now on changes are remembered. Until then (while a log is loaded) everything is committed by definition. */
  open(): void {
    this.isOpen = true;
  }

  /** Enters the inverse of a change that was just made. */
  record(undo: () => void): void {
    if (this.isOpen) this.undos.push(undo);
  }

  /** The present position, to roll back to or to forget up to. */
  get position(): number {
    return this.forgotten + this.undos.length;
  }

  /** Takes back every change made after `position`. */
  rollBackTo(position: number): void {
    while (this.position > position) this.undos.pop()!();
  }

  /** Changes before `position` are committed and stay. */
  forgetUpTo(position: number): void {
    const count = position - this.forgotten;
    if (count <= 0) return;
    this.undos = this.undos.slice(count);
    this.forgotten = position;
  }
}
