import { ActionIcon, Menu, Select, SegmentedControl, Text, useMantineColorScheme } from '@mantine/core'
import type { MantineColorScheme } from '@mantine/core'
import { IconBook, IconLogout, IconUserCircle } from '@tabler/icons-react'
import { useMutation } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useMemo } from 'react'
import { signOut } from '../client/session.ts'
import { forget, useSession } from './session.ts'
import { setZone, useZone, zones } from './zone.tsx'

const schemeWords = [
  { value: 'auto', label: 'System' },
  { value: 'light', label: 'Light' },
  { value: 'dark', label: 'Dark' },
]

/** Who is signed in, how the page looks, in which zone its times are. */
export function AccountMenu() {
  const { caller } = useSession()
  const zone = useZone()
  const choices = useMemo(() => [...zones()], [])
  const { colorScheme, setColorScheme } = useMantineColorScheme()
  const navigate = useNavigate()
  const leave = useMutation({
    mutationFn: () => signOut(),
    onSuccess: async () => {
      forget()
      await navigate({ to: '/sign-in' })
    },
  })
  return (
    <Menu position="bottom-end" width={272} closeOnItemClick={false} withinPortal>
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" size="lg" aria-label={`${caller.name}: account and display`}>
          <IconUserCircle size={20} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          <Text fw={600} size="sm" c="var(--mantine-color-text)">
            {caller.name}
          </Text>
          {caller.role ?? 'no role'}
        </Menu.Label>
        <Menu.Divider />
        <Select
          label="Times in"
          size="xs"
          px="xs"
          data={choices}
          value={zone}
          searchable
          allowDeselect={false}
          limit={60}
          onChange={(value) => value !== null && setZone(value)}
          comboboxProps={{ withinPortal: false }}
        />
        <Text size="xs" fw={500} px="xs" mt="sm" mb={4} id="scheme-label">
          Colours
        </Text>
        <SegmentedControl
          size="xs"
          mx="xs"
          mb="xs"
          data={schemeWords}
          value={colorScheme}
          aria-labelledby="scheme-label"
          // The three values above are the schemes there are.
          onChange={(value) => setColorScheme(value as MantineColorScheme)}
        />
        <Menu.Divider />
        <Menu.Item component="a" href="/docs" leftSection={<IconBook size={16} aria-hidden />}>
          The API
        </Menu.Item>
        <Menu.Item leftSection={<IconLogout size={16} aria-hidden />} onClick={() => leave.mutate()}>
          Sign out
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}
