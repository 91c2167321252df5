import { Button, Container } from '@mantine/core'
import type { ErrorComponentProps } from '@tanstack/react-router'
import { useQueryErrorResetBoundary } from '@tanstack/react-query'
import { Link, useRouter } from '@tanstack/react-router'
import { ErrorPanel } from './ErrorPanel.tsx'
import { PageHeader } from './PageHeader.tsx'

export function NotFound() {
  return (
    <Container component="main" size="sm" py="xl">
      <PageHeader
        title="There is no such page"
        about="The link may be of another version, or what it showed has been removed."
      />
      <Link to="/">Go to Home</Link>
    </Container>
  )
}

/** Not even the frame could be shown. */
export function BrokenFrame(props: ErrorComponentProps) {
  return (
    <Container component="main" size="sm" py="xl">
      <Broken {...props} />
    </Container>
  )
}

/** A page could not be shown. The frame around it stays. */
export function Broken({ error }: ErrorComponentProps) {
  const router = useRouter()
  const { reset } = useQueryErrorResetBoundary()
  return (
    <>
      <PageHeader title="This page cannot be shown" />
      <ErrorPanel
        error={error}
        retry={() => {
          reset()
          void router.invalidate()
        }}
      />
      <Button component="a" href="/" variant="subtle" mt="sm" size="xs">
        Home
      </Button>
    </>
  )
}
