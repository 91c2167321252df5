{#- The same figures twice: by week, beginning on Sunday as the source's weeks do, and by month. -#}
{%- set periods = [
  ('weekly', 'week.week_start - cast(dayofweek(week.week_start) as integer)'),
  ('monthly', "cast(date_trunc('month', week.week_start) as date)"),
] -%}
{%- for period_type, period in periods %}
{%- if not loop.first %}
union all
{%- endif %}
select
  school."Institute" as school,
  school."Sector" as sector,
  {{ period }} as period,
  count(distinct week.user_id) as teacher_count,
  round(avg(least(week.lp_started / week.max_classes, 1) * 100), 6) as avg_lp_ratio,
  {{ period_type | literal }} as period_type
from {{ dataset | identifier }}."weekly_time_table_NF" as week
join {{ dataset | identifier }}.user_school_profiles as teacher on teacher.user_id = week.user_id
join {{ dataset | identifier }}."FDE_Schools" as school on school."EMIS" = teacher.emis_1
where week.max_classes <> 0
group by all
{%- endfor %}
