-- Every school, those without a teacher included: its count is 0 and its ratio is null. The filter is needed because `least` leaves
-- nulls out: without a week, least(null, 1) would be 1, and the school perfect.
select
  school."Institute" as school_name,
  school."Sector" as sector,
  school."EMIS" as emis,
  count(distinct teacher.user_id) as teacher_count,
  round(avg(least(week.lp_started / week.max_classes, 1) * 100) filter (where week.user_id is not null), 6) as avg_lp_ratio
from {{ dataset | identifier }}."FDE_Schools" as school
left join {{ dataset | identifier }}.user_school_profiles as teacher on teacher.emis_1 = school."EMIS"
left join {{ dataset | identifier }}."weekly_time_table_NF" as week on week.user_id = teacher.user_id and week.max_classes <> 0
group by school."Institute", school."Sector", school."EMIS"
