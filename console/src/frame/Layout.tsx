import { ActionIcon, AppShell, Burger, Group, Kbd, Modal, Table, Tooltip, UnstyledButton } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { spotlight } from '@mantine/spotlight'
import { IconHelp, IconPlugConnected, IconPlugConnectedX, IconPlayerPause, IconSearch } from '@tabler/icons-react'
import { Link, Outlet, useNavigate, useRouterState } from '@tanstack/react-router'
import { Suspense } from 'react'
import { navigation } from '../navigation.ts'
import classes from './Layout.module.css'
import { LiveProvider, useLive } from './live.tsx'
import { AccountMenu } from './AccountMenu.tsx'
import { Palette } from './Palette.tsx'
import type { NavigationEntry } from './page.ts'
import { Loading } from './Loading.tsx'
import { useMay, useSession } from './session.ts'
import { useShortcuts } from './shortcuts.ts'

const groups = ['watch', 'work', 'manage'] as const

function useEntries(): readonly NavigationEntry[] {
  const operator = useMay('operator')
  const admin = useMay('admin')
  return navigation.filter((entry) => (entry.role === 'admin' ? admin : entry.role === 'operator' ? operator : true))
}

function LiveBadge() {
  const { state, toggle } = useLive()
  const looks = {
    live: { icon: IconPlugConnected, says: 'Live', tip: 'Changes appear by themselves. Click to hold the page still.' },
    connecting: { icon: IconPlugConnected, says: 'Connecting', tip: 'Asking for changes.' },
    offline: {
      icon: IconPlugConnectedX,
      says: 'Offline',
      tip: 'The server does not answer; tried again every few seconds.',
    },
    paused: { icon: IconPlayerPause, says: 'Paused', tip: 'The page holds still. Click to follow changes again.' },
  } as const
  const look = looks[state]
  return (
    <Tooltip label={look.tip}>
      <UnstyledButton className={classes['live']} data-live={state} onClick={toggle} aria-pressed={state === 'paused'}>
        <look.icon size={15} aria-hidden />
        <span className={classes['liveWord']}>{look.says}</span>
      </UnstyledButton>
    </Tooltip>
  )
}

function Shortcuts({ opened, close }: { readonly opened: boolean; readonly close: () => void }) {
  const entries = useEntries()
  const rows = [
    ['Ctrl K', 'Palette: any flow, page or action'],
    ['/', 'Find on this page'],
    ...entries.flatMap((entry) => (entry.key === undefined ? [] : [[`g ${entry.key}`, `Go to ${entry.label}`]])),
    ['p', 'Hold the page still, or follow again'],
    ['?', 'These keys'],
  ]
  return (
    <Modal opened={opened} onClose={close} title="Keys">
      <Table>
        <Table.Tbody>
          {rows.map(([keys, says]) => (
            <Table.Tr key={keys}>
              <Table.Td w={110}>
                {keys?.split(' ').map((key) => (
                  <Kbd key={key} mr={4}>
                    {key}
                  </Kbd>
                ))}
              </Table.Td>
              <Table.Td>{says}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Modal>
  )
}

/** The first field that finds something on the page. */
function focusFinder(): void {
  document.querySelector<HTMLInputElement>('main input[type="search"]')?.focus()
}

function Frame() {
  const [menu, { toggle: toggleMenu, close: closeMenu }] = useDisclosure()
  const [keys, { open: openKeys, close: closeKeys }] = useDisclosure()
  const entries = useEntries()
  const navigate = useNavigate()
  const live = useLive()
  const session = useSession()
  const path = useRouterState({ select: (state) => state.location.pathname })
  useShortcuts([
    { keys: '?', says: 'These keys', run: openKeys },
    { keys: '/', says: 'Find on this page', run: focusFinder },
    { keys: 'p', says: 'Hold the page still', run: live.toggle },
    ...entries.flatMap((entry) =>
      entry.key === undefined
        ? []
        : [{ keys: `g ${entry.key}`, says: entry.label, run: () => void navigate({ to: entry.to }) }],
    ),
  ])
  const isAt = (to: string): boolean => (to === '/' ? path === '/' : path === to || path.startsWith(`${to}/`))
  return (
    <AppShell
      header={{ height: 52 }}
      navbar={{ width: 208, breakpoint: 'sm', collapsed: { mobile: !menu } }}
      padding={{ base: 'sm', sm: 'lg' }}
      transitionDuration={0}
    >
      <a className="skip-link" href="#content">
        Skip to the content
      </a>
      <AppShell.Header className={classes['header']}>
        <Group gap="xs" wrap="nowrap" miw={0}>
          <Burger opened={menu} onClick={toggleMenu} hiddenFrom="sm" size="sm" aria-label="Navigation" />
          <Link to="/" className={classes['brand']} aria-label={`Sluice, ${session.project}: Home`}>
            <img src="/favicon.svg" width={24} height={24} alt="" />
            <span className={classes['project']}>{session.project}</span>
          </Link>
        </Group>
        <Group gap={6} wrap="nowrap">
          <UnstyledButton className={classes['find']} onClick={spotlight.open}>
            <IconSearch size={15} aria-hidden />
            <span className={classes['findWords']}>Go to…</span>
            <Kbd className={classes['findKey']} size="xs">
              Ctrl K
            </Kbd>
          </UnstyledButton>
          <LiveBadge />
          <Tooltip label="Keys (?)">
            <ActionIcon variant="subtle" color="gray" size="lg" onClick={openKeys} aria-label="Keys" visibleFrom="sm">
              <IconHelp size={18} />
            </ActionIcon>
          </Tooltip>
          <AccountMenu />
        </Group>
      </AppShell.Header>
      <AppShell.Navbar className={classes['navbar']} aria-label="Pages">
        {groups.map((group) => (
          <ul key={group} className={classes['group']}>
            {entries
              .filter((entry) => entry.group === group)
              .map((entry) => (
                <li key={entry.to}>
                  <Link
                    to={entry.to}
                    onClick={closeMenu}
                    className={classes['link']}
                    aria-current={isAt(entry.to) ? 'page' : undefined}
                    title={entry.key === undefined ? undefined : `g ${entry.key}`}
                  >
                    <entry.icon size={17} stroke={1.7} aria-hidden />
                    {entry.label}
                  </Link>
                </li>
              ))}
          </ul>
        ))}
      </AppShell.Navbar>
      <AppShell.Main id="content" tabIndex={-1} className={classes['main']}>
        <Suspense fallback={<Loading />}>
          <Outlet />
        </Suspense>
      </AppShell.Main>
      <Palette entries={entries} />
      <Shortcuts opened={keys} close={closeKeys} />
    </AppShell>
  )
}

export function Layout() {
  return (
    <LiveProvider>
      <Frame />
    </LiveProvider>
  )
}
