import type { JSX } from 'preact';
import type { ModelChange } from './model-changes.js';

interface ChangedNoticeProps {
  /** What happened, and what came of what was asked. */
  readonly title: string;
  readonly changes: readonly ModelChange[];
  readonly button: string;
  readonly onPress: () => void;
}

/** Says that the model is no longer the one that was shown, and what differs. [U-30] */
export function ChangedNotice({ title, changes, button, onPress }: ChangedNoticeProps): JSX.Element {
  return (
    <div class="problem problem--warn" role="alert" data-changed>
      <div>
        <strong>{title}</strong>
        {changes.length === 0 ? (
          <p>What differs is nothing that this page shows.</p>
        ) : (
          <ul>
            {changes.map(({ what, before, now }) => (
              <li key={what} class="wraps">
                {what}: <del>{before}</del> → <ins>{now}</ins>
              </li>
            ))}
          </ul>
        )}
      </div>
      <button type="button" class="button" onClick={onPress}>
        {button}
      </button>
    </div>
  );
}
