import { ActionIcon, Button, Group, Input, Stack, TagsInput, TextInput } from '@mantine/core'
import { IconPlus, IconX } from '@tabler/icons-react'
import type { ClaimRow } from './claims.ts'

/** Claims, a row each. The caller keeps them as they are being written, and makes claims of them when the form is sent. */
export function ClaimsInput({
  rows,
  onChange,
  fault,
}: {
  readonly rows: readonly ClaimRow[]
  readonly onChange: (rows: readonly ClaimRow[]) => void
  readonly fault: string | null
}) {
  const set = (at: number, change: Partial<ClaimRow>): void =>
    onChange(rows.map((row, each) => (each === at ? { ...row, ...change } : row)))
  return (
    <Input.Wrapper
      labelElement="div"
      label="Claims"
      description='What endpoints bind their rows to. Enter after each value; several values are a list; 5 is a number, "5" a text.'
      error={fault}
    >
      <Stack gap={6} mt={6}>
        {rows.map((row, at) => (
          <Group key={at} gap={6} wrap="nowrap" align="flex-start">
            <TextInput
              w={130}
              aria-label={`Name of claim ${at + 1}`}
              placeholder="sector"
              value={row.name}
              maxLength={100}
              onChange={(event) => set(at, { name: event.currentTarget.value })}
            />
            <TagsInput
              flex={1}
              miw={0}
              aria-label={`Values of ${row.name === '' ? `claim ${at + 1}` : row.name}`}
              {...(row.values.length === 0 ? { placeholder: 'East' } : {})}
              splitChars={[]}
              acceptValueOnBlur
              value={[...row.values]}
              onChange={(values) => set(at, { values })}
            />
            <ActionIcon
              variant="subtle"
              color="gray"
              size={36}
              aria-label={`Remove ${row.name === '' ? `claim ${at + 1}` : row.name}`}
              onClick={() => onChange(rows.filter((_, each) => each !== at))}
            >
              <IconX size={16} />
            </ActionIcon>
          </Group>
        ))}
        <Button
          variant="default"
          size="xs"
          style={{ alignSelf: 'flex-start' }}
          leftSection={<IconPlus size={14} aria-hidden />}
          onClick={() => onChange([...rows, { name: '', values: [] }])}
        >
          Add a claim
        </Button>
      </Stack>
    </Input.Wrapper>
  )
}
