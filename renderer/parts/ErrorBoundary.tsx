import { Component, type ReactNode } from 'react'
import { t } from '../strings/t.ts'
import { Button } from './Button.tsx'
import { EmptyState } from './EmptyState.tsx'

export interface ErrorBoundaryProps {
  readonly children: ReactNode
  readonly onCopy: (text: string) => unknown
}

interface ErrorBoundaryState {
  readonly error: Error | null
}

/** One per view: a fault in one of them leaves the rest of the window usable. */
export class ErrorBoundary extends Component<ErrorBoundaryProps, ErrorBoundaryState> {
  override readonly state: ErrorBoundaryState = { error: null }

  static getDerivedStateFromError(error: unknown): ErrorBoundaryState {
    return { error: error instanceof Error ? error : new Error(String(error)) }
  }

  override render(): ReactNode {
    const { error } = this.state
    if (error === null) return this.props.children
    return (
      <EmptyState icon="warning" title={t('broken.title')} text={t('broken.text')} isAlert>
        <Button tone="primary" icon="refresh" onPress={() => this.setState({ error: null })}>
          {t('broken.again')}
        </Button>
        <Button icon="copy" onPress={() => this.props.onCopy(error.stack ?? error.message)}>
          {t('action.copyDetails')}
        </Button>
      </EmptyState>
    )
  }
}
