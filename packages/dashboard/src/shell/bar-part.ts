/** A stretch of a bar. */
export interface BarPart {
  readonly key: string;
  /** Of the whole bar, 0 to 1. */
  readonly fraction: number;
  readonly className: string;
}
