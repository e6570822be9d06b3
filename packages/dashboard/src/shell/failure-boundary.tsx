import { Component, type ComponentChildren } from 'preact';

interface Props {
  readonly children: ComponentChildren;
}

interface State {
  readonly problem: string | null;
}

/** What is shown in place of a page that failed to draw: most often it is older than the server that it asks. */
export class FailureBoundary extends Component<Props, State> {
  override state: State = { problem: null };

  static override getDerivedStateFromError(error: unknown): State {
    return { problem: error instanceof Error ? error.message : String(error) };
  }

  override render(): ComponentChildren {
    if (this.state.problem === null) return this.props.children;
    return (
      <div class="key-form" role="alert">
        <h1>This page could not be drawn</h1>
        <p>It may be older than the server: reload it. If it fails again, tell whoever maintains the server: {this.state.problem}</p>
        <button type="button" class="button button--main" onClick={() => location.reload()}>
          Reload
        </button>
      </div>
    );
  }
}
