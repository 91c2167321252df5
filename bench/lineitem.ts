/**
 * A table shaped like TPC-H's lineitem, with nulls, as Parquet. Run as a program of its own, so that the memory it takes is
 * not counted as ours: `node lineitem.ts FILE ROWS CHANGED`, where CHANGED percent of the rows differ in three columns.
 */
import { openDuckdb } from '../src/stores/duckdb/client.ts'

/** In the order of TPC-H; types as DuckDB gives them. */
export const lineitemKey = ['l_orderkey', 'l_linenumber'] as const

/** Everything is a function of the row's number, so that two files agree but for what is changed on purpose. */
function statement(file: string, rows: number, changed: number): string {
  const pick = (salt: number, of: number): string => `(hash(i, ${salt}) % ${of})::bigint`
  const rarely = (salt: number, percent: number, value: string): string =>
    `case when ${pick(salt, 100)} < ${percent} then null else ${value} end`
  const isChanged = `${pick(99, 10000)} < ${Math.round(changed * 100)}`
  const word = (salt: number): string =>
    `['carefully','quickly','furiously','slyly','blithely','ironic','final','regular','pending','express','deposits','requests','accounts','packages','foxes','theodolites'][1 + ${pick(salt, 16)}]`
  const columns = [
    `(i // 4 + 1)::bigint as l_orderkey`,
    `(${pick(1, 200000)} + 1)::bigint as l_partkey`,
    `(${pick(2, 10000)} + 1)::bigint as l_suppkey`,
    `(i % 4 + 1)::integer as l_linenumber`,
    `(${pick(3, 50)} + 1)::decimal(15,2) as l_quantity`,
    `((${pick(4, 10000000)} + 90000 + case when ${isChanged} then 1 else 0 end)::decimal(15,2) / 100)::decimal(15,2) as l_extendedprice`,
    rarely(21, 3, `(${pick(5, 11)} / 100)::decimal(15,2)`) + ' as l_discount',
    rarely(22, 1, `(${pick(6, 9)} / 100)::decimal(15,2)`) + ' as l_tax',
    `['A','N','R'][1 + ${pick(7, 3)}] as l_returnflag`,
    `case when ${isChanged} then 'X' else ['F','O'][1 + ${pick(8, 2)}] end as l_linestatus`,
    `(date '1992-01-01' + ${pick(9, 2500)}::integer)::date as l_shipdate`,
    `(date '1992-01-15' + ${pick(10, 2500)}::integer)::date as l_commitdate`,
    rarely(23, 5, `(date '1992-02-01' + ${pick(11, 2500)}::integer)::date`) + ' as l_receiptdate',
    rarely(24, 2, `['DELIVER IN PERSON','COLLECT COD','NONE','TAKE BACK RETURN'][1 + ${pick(12, 4)}]`) +
      ' as l_shipinstruct',
    `['AIR','FOB','MAIL','RAIL','REG AIR','SHIP','TRUCK'][1 + ${pick(13, 7)}] as l_shipmode`,
    rarely(25, 4, `${word(14)} || ' ' || ${word(15)} || ' ' || ${word(16)}`) + ' as l_comment',
  ]
  return `copy (select ${columns.join(', ')} from range(${rows}) as numbers(i)) to '${file.replaceAll("'", "''")}'
    (format parquet, compression snappy, row_group_size 122880)`
}

if (import.meta.main) {
  const [file, rows, changed] = process.argv.slice(2)
  if (file === undefined) throw new Error('usage: lineitem.ts FILE ROWS CHANGED')
  await using duckdb = await openDuckdb({ path: ':memory:', store: 'generator', memory: '2GB' })
  await duckdb.run(statement(file, Number(rows), Number(changed)))
}
