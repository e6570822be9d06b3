/** Where a key may be kept: `sessionStorage`, or nothing where the browser forbids it. */
export interface KeyStorage {
  getItem(name: string): string | null;
  setItem(name: string, value: string): void;
  removeItem(name: string): void;
}

const NAME = 'corral.key';

/** The API key of this tab: it ends with the tab and is sent to the page's own server alone. [U-05] */
export class SessionKey {
  private key: string | null;

  constructor(private readonly storage: KeyStorage | null) {
    this.key = storage?.getItem(NAME) ?? null;
  }

  readonly current = (): string | null => this.key;

  /** Spaces around a pasted key are no part of it. */
  keep(key: string): void {
    this.key = key.trim();
    this.storage?.setItem(NAME, this.key);
  }

  forget(): void {
    this.key = null;
    this.storage?.removeItem(NAME);
  }
}

/** Reading the property alone throws where storage is switched off. */
export function sessionStorageOf(window: { readonly sessionStorage: KeyStorage }): KeyStorage | null {
  try {
    return window.sessionStorage;
  } catch {
    return null;
  }
}
