/** How one request is answered wrongly. Bytes are counted in the body of that answer. */
export type HubFault = FaultKind & {
  /** The connection ends after so many bytes, besides. */
  readonly cutAfterBytes?: number;
};

type FaultKind =
  /** The connection ends after so many bytes. */
  | { readonly kind: 'cut'; readonly afterBytes: number }
  /** Nothing more comes after so many bytes, and the connection stays. */
  | { readonly kind: 'stall'; readonly afterBytes: number; readonly onStall?: () => void }
  | { readonly kind: 'slow'; readonly bytesPerS: number }
  | { readonly kind: 'status'; readonly status: number; readonly headers?: Readonly<Record<string, string>> }
  | { readonly kind: 'redirect'; readonly to: string; readonly status?: number }
  /** Another part than the one asked for, and the answer says so. */
  | { readonly kind: 'wrong_range'; readonly shiftBytes: number }
  /** Another part than the one asked for, and the answer does not say so. */
  | { readonly kind: 'lying_range'; readonly shiftBytes: number }
  /** The whole file, whatever was asked for. */
  | { readonly kind: 'ignore_range' }
  /** The part that was asked for, whether or not it is still of that version. */
  | { readonly kind: 'ignore_if_range' }
  /** Only so many bytes, announced as if they were all. */
  | { readonly kind: 'short_length'; readonly bytes: number }
  /** In chunks, without a length. */
  | { readonly kind: 'no_length' }
  /** Neither length nor chunks: the file ends where the connection does, after `bytes` if given. */
  | { readonly kind: 'until_close'; readonly bytes?: number }
  | { readonly kind: 'encoded' }
  /** Neither ETag nor date. */
  | { readonly kind: 'no_validator' }
  /** A weak ETag and no date. */
  | { readonly kind: 'weak_validator' };
