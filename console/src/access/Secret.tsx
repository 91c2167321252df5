import { Alert, Stack, Text } from '@mantine/core'
import { IconEyeExclamation } from '@tabler/icons-react'
import { Command } from '../frame/Command.tsx'

/** What is shown once: a token's secret, a sign-in link. */
export function Secret({
  text,
  label,
  says,
}: {
  readonly text: string
  readonly label: string
  readonly says: string
}) {
  return (
    <Alert variant="light" color="water" icon={<IconEyeExclamation size={18} aria-hidden />} title={label}>
      <Stack gap="xs">
        <Command text={text} label={label} />
        <Text size="sm" c="var(--mantine-color-text)">
          {says}
        </Text>
      </Stack>
    </Alert>
  )
}
