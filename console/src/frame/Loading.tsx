import { Skeleton, Stack } from '@mantine/core'

/** The page is on its way. */
export function Loading({ rows = 6 }: { readonly rows?: number }) {
  return (
    <Stack gap="sm" role="status" aria-label="Loading">
      <Skeleton height={28} width={220} />
      {Array.from({ length: rows }, (_, row) => (
        <Skeleton key={row} height={36} />
      ))}
    </Stack>
  )
}
